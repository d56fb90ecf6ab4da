package prove

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/lighterman/lighterman/internal/check"
)

// The sizes in bytes above which a message is refused, by the side that writes it and by the one that reads it.
const (
	maxRequest = 4 << 20
	maxReply   = 64 << 20
)

// writeFrame writes v as JSON behind its length in four bytes, big endian.
func writeFrame(w io.Writer, v any, limit int) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(text) > limit {
		return fmt.Errorf("message of %d bytes is over the limit of %d", len(text), limit)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(text)), uint32(len(text)))
	_, err = w.Write(append(frame, text...))
	return err
}

// readFrame reads what writeFrame wrote. It returns io.EOF when there is nothing more.
func readFrame(r io.Reader, v any, limit int) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if int64(n) > int64(limit) {
		return fmt.Errorf("message of %d bytes is over the limit of %d", n, limit)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// A request asks a child to convert one file.
type request struct {
	Source []byte
	Stages []string // what to build, by name; see named
	Worlds []world
	Lint   *lintRequest // asks for this instead, when it is there
}

// A reply is what a child found. Results is indexed like the request's Worlds, then Stages.
type reply struct {
	Error   string
	Steps   []rawStep // every step that occurs, once
	Results [][]rawImage
	Remarks []check.Remark // the answer to Lint
}

// A rawImage is one stage converted in one world.
type rawImage struct {
	Error  string // why it does not convert; then nothing else is set
	Steps  []int  // indexes into reply.Steps, the base first
	Head   string // a hash over all that the root file system is made of
	Config []byte // the image's configuration without its history, as JSON
}

// A rawStep is one operation on the root file system.
type rawStep struct {
	Op     []byte   // the marshalled operation without its inputs
	Inputs []string // the hashes of the inputs besides the root file system, and which of their outputs is used
	Inner  []int    // for a linked copy the steps that make its layer
}
