package session_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/seshat-go/seshat/core/session"
)

// net/http removes the files of an upload, but only of the request that it made.
func TestAnUploadLeavesNoFilesBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	left := func() int {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	srv := httptest.NewServer(newSite(t, session.Options{}).m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil || left() != 1 {
			t.Errorf("while the handler runs there are %d files, %v", left(), err)
		}
	})))
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("file", "tea.txt")
	_, _ = part.Write(bytes.Repeat([]byte("oolong"), 1<<21)) // more than is kept in memory
	_ = form.Close()
	res, err := http.Post(srv.URL, form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	srv.Close() // when the server is done with the request
	if n := left(); n > 0 {
		t.Errorf("%d files are left", n)
	}
}
