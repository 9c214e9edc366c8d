package adaptertest

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
)

// testUploads shows that net/http finds an upload on the request that it made,
// from which it removes the files.
func testUploads(t *testing.T, fw Framework) {
	if fw.Copies {
		return
	}
	for name, after := range map[string]http.HandlerFunc{
		"answered":         func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "thanks") },
		"without a word":   nothing,
		"and then a panic": func(http.ResponseWriter, *http.Request) { panic("meant") },
	} {
		t.Run(name, func(t *testing.T) {
			s := withVisits(newSite(t, fw))
			s.app.Group = append(s.app.Group, s.manager(s.store, named("second")))
			upload := visited(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil {
					panic(err)
				}
				after(w, r)
			})
			s.handle("/upload", upload)
			s.handle(GroupPath+"upload", upload)
			b := s.start().browser()
			for _, path := range []string{"/upload", GroupPath + "upload"} {
				var body bytes.Buffer
				form := multipart.NewWriter(&body)
				part, _ := form.CreateFormFile("file", "tea.txt")
				_, _ = part.Write([]byte("oolong"))
				_ = form.Close()
				r := b.request(t.Context(), http.MethodPost, path, &body)
				r.Header.Set("Content-Type", form.FormDataContentType())
				resp, v, err := b.try(r)
				if err == nil {
					_ = resp.Body.Close()
				}
				if <-v.done; v.form == nil || v.form.File["file"] == nil {
					t.Errorf("%s: the request of net/http has the upload %v", path, v.form)
				}
			}
		})
	}
}
