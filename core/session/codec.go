package session

import "encoding/json"

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

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
