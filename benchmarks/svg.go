package benchmarks

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
)

// An svg is a drawing of lines, boxes and texts on white. Texts are anchored
// where they end, in the middle or where they begin, so that a drawing is right
// in whatever font the reader has.
type svg struct {
	width, height float64
	b             bytes.Buffer
}

// Colors of all charts.
const (
	ink        = "#22262b"
	faint      = "#e2e5e9"
	oursColor  = "#1b6e53"
	baseColor  = "#555d66"
	otherColor = "#b4bcc6"
)

// Anchors of a text.
const (
	begins = "start"
	middle = "middle"
	ends   = "end"
)

func (s *svg) box(x, y, width, height float64, color string) {
	fmt.Fprintf(&s.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, width, height, color)
}

func (s *svg) line(x1, y1, x2, y2 float64, color string) {
	fmt.Fprintf(&s.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, color)
}

func (s *svg) path(points [][2]float64, color string) {
	fmt.Fprintf(&s.b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, color)
	for _, p := range points {
		fmt.Fprintf(&s.b, "%.1f,%.1f ", p[0], p[1])
	}
	s.b.WriteString("\"/>\n")
	for _, p := range points {
		fmt.Fprintf(&s.b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", p[0], p[1], color)
	}
}

// text writes one line; y is its middle.
func (s *svg) text(x, y float64, anchor, text string, o textStyle) {
	weight := "normal"
	if o.bold {
		weight = "bold"
	}
	if o.size == 0 {
		o.size = 13
	}
	if o.color == "" {
		o.color = ink
	}
	fmt.Fprintf(&s.b, `<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%.0f" font-weight="%s" fill="%s">`, x, y+o.size*0.35, anchor, o.size, weight, o.color)
	_ = xml.EscapeText(&s.b, []byte(text)) // a buffer takes everything
	s.b.WriteString("</text>\n")
}

type textStyle struct {
	size  float64 // default 13
	bold  bool
	color string // default ink
}

// save writes the drawing to a file, and makes its folder.
func (s *svg) save(path string) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="Helvetica, Arial, sans-serif">`+"\n",
		s.width, s.height, s.width, s.height)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" fill="white"/>`+"\n")
	out.Write(s.b.Bytes())
	out.WriteString("</svg>\n")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("benchmarks: %w", err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("benchmarks: %w", err)
	}
	return nil
}
