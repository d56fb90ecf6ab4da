package prove

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"
)

// localTransfer are the attributes of a local source that say how it is sent, not what it holds: two are random, and
// the third changes for every COPY when one is added.
var localTransfer = []string{pb.AttrLocalUniqueID, pb.AttrLocalSessionID, pb.AttrFollowPaths}

// A graph collects the steps of many conversions of one file; those that are equal are kept once.
type graph struct {
	steps []rawStep
	seen  map[string]int
}

// A node is one operation of a definition.
type node struct {
	op     []byte // marshalled without inputs
	inputs []input
	root   int // which input is the root file system it works on; -1 for none
	merge  bool
	hash   string // over op and, through their hashes, everything it is made of
}

type input struct {
	node   *node
	output int64
}

// walk lists the steps of a marshalled state's root file system.
func (g *graph) walk(def *llb.Definition) (rawImage, error) {
	head, err := readHead(def)
	if err != nil || head.node == nil {
		return rawImage{}, err
	}
	return rawImage{Steps: g.chain(head.node), Head: head.String()}, nil
}

// readHead decodes a definition, whose operations come after their inputs. The last one only names the result, which
// is returned; its node is nil for an empty file system.
func readHead(def *llb.Definition) (input, error) {
	nodes := make(map[string]*node, len(def.Def))
	var head input
	for _, raw := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(raw); err != nil {
			return input{}, err
		}
		n := &node{}
		for _, in := range op.Inputs {
			from := nodes[in.Digest]
			if from == nil {
				return input{}, fmt.Errorf("operation %s comes before its input", in.Digest)
			}
			n.inputs = append(n.inputs, input{from, in.Index})
		}
		if op.Op == nil {
			if len(n.inputs) == 1 {
				head = n.inputs[0]
			}
			continue
		}
		if err := n.read(&op); err != nil {
			return input{}, err
		}
		nodes[digestOf(raw)] = n
	}
	return head, nil
}

// read finds the root file system among the inputs and marshals the rest.
func (n *node) read(op *pb.Op) error {
	n.root = -1
	switch o := op.Op.(type) {
	case *pb.Op_Exec:
		for _, m := range o.Exec.Mounts {
			if m.Dest == pb.RootMount {
				n.root = int(m.Input)
			}
		}
	case *pb.Op_File:
		if len(o.File.Actions) > 0 && int(o.File.Actions[0].Input) < len(n.inputs) {
			n.root = int(o.File.Actions[0].Input)
		}
	case *pb.Op_Merge:
		if len(n.inputs) != 2 {
			return fmt.Errorf("merge of %d layers", len(n.inputs))
		}
		n.root, n.merge = 0, true
	case *pb.Op_Source:
		for _, name := range localTransfer {
			delete(o.Source.Attrs, name)
		}
	default:
		return fmt.Errorf("operation %T is not known", o)
	}
	if n.root >= len(n.inputs) {
		return fmt.Errorf("operation %T has no input %d", op.Op, n.root)
	}
	op.Inputs = nil
	var err error
	n.op, err = proto.MarshalOptions{Deterministic: true}.Marshal(op)
	n.hash = n.sum()
	return err
}

func (n *node) sum() string {
	h := sha256.New()
	h.Write(n.op)
	for _, in := range n.inputs {
		h.Write([]byte(in.String()))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (in input) String() string { return fmt.Sprintf("%s/%d", in.node.hash, in.output) }

func digestOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// chain lists the steps that lead to n, the base first, as indexes into g.steps.
func (g *graph) chain(n *node) []int {
	var out []int
	for n != nil {
		out = append(out, g.add(n.step(g)))
		if n.root < 0 {
			break
		}
		n = n.inputs[n.root].node
	}
	slices.Reverse(out)
	return out
}

func (n *node) step(g *graph) rawStep {
	s := rawStep{Op: n.op}
	for k, in := range n.inputs {
		switch {
		case k == n.root:
		case n.merge:
			s.Inner = g.chain(in.node)
		default:
			s.Inputs = append(s.Inputs, in.String())
		}
	}
	return s
}

func (g *graph) add(s rawStep) int {
	key := fmt.Sprintf("%x %s %v", sha256.Sum256(s.Op), strings.Join(s.Inputs, ","), s.Inner)
	at, ok := g.seen[key]
	if !ok {
		at = len(g.steps)
		g.steps = append(g.steps, s)
		g.seen[key] = at
	}
	return at
}
