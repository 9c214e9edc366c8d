package main

const rootDescription = `It reads the environment variables that the application reads: SESSION_ENGINE
(db, cache or cached_db), DATABASE_URL, REDIS_URL and the other SESSION_
settings. Run it beside the application, with the same environment:

   seshat doctor                       is everything set up well?
   seshat list --user alice            where is alice signed in?
   seshat revoke --user alice          sign her out everywhere
   seshat clearsessions                delete what has expired, daily
   seshat copy --from db --to cache    move to another engine, nobody signed out`

const rootHelpTemplate = `seshat - {{.Usage}}

   seshat COMMAND [options]

{{.Description}}

COMMANDS{{range .VisibleCategories}}{{if .Name}}

 {{.Name}}{{end}}{{range .VisibleCommands}}
   {{.Name}}{{"\t"}}{{.Usage}}{{end}}{{end}}

OPTIONS OF EVERY COMMAND{{range .VisibleFlags}}
   {{.}}{{end}}

EXIT STATUS
   0    done
   1    failed
   2    wrong arguments or settings
   3    doctor found problems, or copy --verify differences
   4    no such session
   5    not confirmed
   130  interrupted: what is said to be done is done

"seshat COMMAND --help" tells more about a command.
`

const helpTemplate = `{{.FullName}} - {{.Usage}}

   {{if .UsageText}}{{.UsageText}}{{else}}{{.FullName}} [options]{{end}}

{{.Description}}{{if .VisibleFlags}}

OPTIONS{{range .VisibleFlags}}
   {{.}}{{end}}{{end}}{{if .VisiblePersistentFlags}}

OPTIONS OF EVERY COMMAND{{range .VisiblePersistentFlags}}
   {{.}}{{end}}{{end}}
`
