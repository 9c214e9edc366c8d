package session

import (
	"encoding/json"
	"slices"
)

// A Codec encodes values. It must be safe for concurrent use. Its name is
// stored with each session, so it must not change. Unmarshal must neither keep
// nor change data, which parallel requests share.
type Codec interface {
	Name() string // 1 to 32 bytes
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// JSON is the default codec: encoding/json.
var JSON Codec = jsonCodec{}

const maxCodecName = 32

type jsonCodec struct{}

func (jsonCodec) Name() string                  { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

// Unmarshal takes a short way for a string without anything special in it, which most
// values are.
func (jsonCodec) Unmarshal(data []byte, v any) error {
	if s, ok := v.(*string); ok && s != nil && len(data) > 1 && data[0] == '"' && data[len(data)-1] == '"' {
		text := data[1 : len(data)-1]
		if !slices.ContainsFunc(text, special) {
			*s = string(text)
			return nil
		}
	}
	return json.Unmarshal(data, v)
}

// special tells whether a byte in a JSON string is not just itself.
func special(c byte) bool { return c < ' ' || c == '"' || c == '\\' || c >= 0x80 }
