package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

// completion sets up the command of the library that prints completion scripts.
func (t *tool) completion(c *cli.Command) {
	c.Hidden = false
	c.Category = "SETTING UP"
	c.Usage = "print the completion script for bash, zsh, fish or pwsh"
	c.UsageText = "seshat completion bash | zsh | fish | pwsh"
	c.Description = `The bash script needs the package bash-completion, which most systems have: without
it, Tab says "_get_comp_words_by_ref: command not found".

   source <(seshat completion bash)      in .bashrc, after bash-completion itself
   source <(seshat completion zsh)       in .zshrc
   seshat completion fish > ~/.config/fish/completions/seshat.fish
   seshat completion pwsh > seshat.ps1   a script for the profile to run`
	c.HideHelpCommand = true
	c.Action = func(ctx context.Context, _ *cli.Command) error {
		t.fail(ctx, "seshat completion", nil, usage("of which shell? Give bash, zsh, fish or pwsh"))
		return nil
	}
}
