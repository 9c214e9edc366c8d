// Package docs_test reads the documents of the repository and checks what they
// refer to.
//
// A document names a test as a link to the file that has it:
//
//	[`TestName`](../core/session/x_test.go)      or, of a part of it,
//	[`TestName/the part`](../core/session/x_test.go)
//
// In a table whose last column is "shown by" each row names at least one there,
// or says who else sees to it: "application: ..." or "not yet: ...". A test that
// is named without a link, as in a changelog, must be somewhere.
package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

var (
	linkForm = regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]+)\)`)
	testForm = regexp.MustCompile("^`((?:Test|Fuzz|Example)[A-Za-z0-9_]*)((?:/[^`]+)?)`$")
	bareForm = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9_]*)(?:/[^`]+)?`")
)

const (
	shownBy = "shown by"
	// rowsExpected is fewer than docs/security.md has; if its tables were not
	// recognized there would be none.
	rowsExpected = 60
)

// A tree is a repository.
type tree struct {
	fs.FS
	tests    map[string][]string // by file
	literals map[string][]string // by folder: the texts in its Go files
}

func newTree(files fs.FS) (*tree, error) {
	t := &tree{files, map[string][]string{}, map[string][]string{}}
	err := fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(p, ".go"):
			return nil
		}
		src, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, src, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		t.read(p, file)
		return nil
	})
	return t, err
}

func (t *tree) read(p string, file *ast.File) {
	folder := path.Dir(p)
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				t.literals[folder] = append(t.literals[folder], text)
			}
		}
		return true
	})
	if !strings.HasSuffix(p, "_test.go") {
		return
	}
	t.tests[p] = []string{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
			t.tests[p] = append(t.tests[p], f.Name.Name)
		}
	}
}

// suites are the folders whose checks other packages run under their own names.
var suites = []string{"core/storetest", "core/adaptertest"}

// has tells whether a file has a test, and somebody gives its parts their names.
func (t *tree) has(file, test, parts string) error {
	names, ok := t.tests[file]
	switch {
	case !ok:
		return fmt.Errorf("there is no test file %s", file)
	case !slices.Contains(names, test):
		return fmt.Errorf("%s has no %s", file, test)
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(parts, "/"), "/") {
		found := part == ""
		for _, folder := range append([]string{path.Dir(file)}, suites...) {
			for _, text := range t.literals[folder] {
				found = found || text == part || strings.Contains(text, part) && len(part) > 8
			}
		}
		if !found {
			return fmt.Errorf("%s: nothing gives a part of %s the name %q", file, test, part)
		}
	}
	return nil
}

// somewhere tells whether any file has a test.
func (t *tree) somewhere(test string) bool {
	for _, names := range t.tests {
		if slices.Contains(names, test) {
			return true
		}
	}
	return false
}

// A finding is what is wrong in a document.
type finding struct {
	file string
	line int
	what string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.what) }

// check returns what is wrong in a document, and how many rows of its tables
// name a test or say who sees to it.
func (t *tree) check(file string) (wrong []finding, rows int, err error) {
	text, err := fs.ReadFile(t, file)
	if err != nil {
		return nil, 0, err
	}
	var table []string // the header of the table we are in
	seen := map[string]int{}
	code := false
	for i, line := range strings.Split(string(text), "\n") {
		say := func(format string, args ...any) {
			wrong = append(wrong, finding{file, i + 1, fmt.Sprintf(format, args...)})
		}
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if code {
			continue
		}
		named := t.links(file, line, say)
		if !strings.HasPrefix(line, "|") {
			table, seen = nil, map[string]int{}
			continue
		}
		cells := cellsOf(line)
		switch {
		case table == nil:
			table = cells
		case table[len(table)-1] != shownBy, strings.Trim(line, "|-: ") == "":
		case len(cells) != len(table):
			say("the row has %d cells, its table %d", len(cells), len(table))
		default:
			rows++
			last := cells[len(cells)-1]
			if table[0] == "id" && seen[cells[0]] > 0 {
				say("the row %s stands twice", cells[0])
			}
			seen[cells[0]]++
			if named == 0 && !strings.HasPrefix(last, "application: ") && !strings.HasPrefix(last, "not yet: ") {
				say("the row %q names no test, and does not say who sees to it", cells[0])
			}
		}
	}
	return wrong, rows, nil
}

// links checks the links of a line, and the tests it names, and returns how many.
func (t *tree) links(file, line string, say func(string, ...any)) (named int) {
	for _, m := range linkForm.FindAllStringSubmatch(line, -1) {
		target, _, _ := strings.Cut(m[2], "#")
		if target == "" || strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		p := path.Join(path.Dir(file), target)
		if test := testForm.FindStringSubmatch(m[1]); test != nil {
			named++
			if err := t.has(p, test[1], test[2]); err != nil {
				say("%v", err)
			}
		} else if _, err := fs.Stat(t, p); err != nil {
			say("the link %s leads nowhere", m[2])
		}
	}
	for _, m := range bareForm.FindAllStringSubmatch(linkForm.ReplaceAllString(line, ""), -1) {
		if !t.somewhere(m[1]) {
			say("there is no %s", m[1])
		}
	}
	return named
}

// cellsOf splits a row of a table; a bar within backquotes or after a backslash is text.
func cellsOf(line string) (out []string) {
	quoted, from := false, 0
	row := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|")
	for i := range row {
		switch {
		case row[i] == '`':
			quoted = !quoted
		case row[i] == '|' && !quoted && (i == 0 || row[i-1] != '\\'):
			out = append(out, strings.TrimSpace(row[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(row[from:]))
}

func TestWhatTheDocumentsReferToIsThere(t *testing.T) {
	repository, err := newTree(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	documents, err := fs.Glob(repository, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	inDocs, err := fs.Glob(repository, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(documents, inDocs...) {
		wrong, rows, err := repository.check(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wrong {
			t.Error(w)
		}
		if strings.HasPrefix(file, "docs/") {
			t.Logf("%s: %d rows", file, rows)
		}
		if file == "docs/security.md" && rows < rowsExpected {
			t.Errorf("%s: only %d rows of its tables were found", file, rows)
		}
	}
	if len(inDocs) == 0 || !slices.Contains(documents, "README.md") || !slices.Contains(documents, "SECURITY.md") {
		t.Errorf("the documents are %q and %q", documents, inDocs)
	}
}

// Each test of package security stands for something in the document.
func TestEverySecurityTestIsInTheSecurityDocument(t *testing.T) {
	repository, err := newTree(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(repository, "docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for file, names := range repository.tests {
		for _, name := range names {
			if path.Dir(file) == "internal/tests/security" && strings.HasPrefix(name, "Test") && name != "TestMain" && !strings.Contains(string(text), "`"+name) {
				t.Errorf("docs/security.md does not name %s of %s", name, file)
			}
		}
	}
}

func TestTheCheckOfDocumentsHasTeeth(t *testing.T) {
	files := fstest.MapFS{
		"a/a_test.go": {Data: []byte("package a\n\nfunc TestA() { run(\"a part of it\") }\n\nfunc helper() {}\n")},
		"a/a.go":      {Data: []byte("package a\n")},
	}
	for _, c := range []struct {
		text string
		want string // part of the finding; "" for none
	}{
		{"[`TestA`](../a/a_test.go) and [a file](../a/a.go#L1) and `TestA` and [web](https://example.com/x)", ""},
		{"[`TestA/a part of it`](../a/a_test.go)", ""},
		{"| id | shown by |\n|---|---|\n| 1 | [`TestA`](../a/a_test.go) |\n| 2 | application: a `|` b |\n| 3 | not yet: x |", ""},
		{"| id | what |\n|---|---|\n| 1 | nothing |", ""},
		{"```\n[`TestB`](../a/a_test.go)\n```", ""},
		{"[`TestB`](../a/a_test.go)", "has no TestB"},
		{"[`TestA`](../a/b_test.go)", "no test file a/b_test.go"},
		{"[`TestA`](../a/a.go)", "no test file a/a.go"},
		{"[`TestA/another part`](../a/a_test.go)", "nothing gives"},
		{"[a file](b.go)", "leads nowhere"},
		{"so says `TestNothing`", "there is no TestNothing"},
		{"| id | shown by |\n|---|---|\n| 1 | surely |", `the row "1" names no test`},
		{"| id | shown by |\n|---|---|\n| 1 | |", `the row "1" names no test`},
		{"| id | shown by |\n|---|---|\n| 1 | 2 | 3 |", "3 cells"},
		{"| id | shown by |\n|---|---|\n| 1 | not yet: x |\n| 1 | not yet: x |", "stands twice"},
	} {
		files["docs/x.md"] = &fstest.MapFile{Data: []byte(c.text)}
		repository, err := newTree(files)
		if err != nil {
			t.Fatal(err)
		}
		wrong, _, err := repository.check("docs/x.md")
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" && len(wrong) > 0 || c.want != "" && (len(wrong) != 1 || !strings.Contains(wrong[0].String(), c.want)) {
			t.Errorf("%q: %v, want %q", c.text, wrong, c.want)
		}
	}
}
