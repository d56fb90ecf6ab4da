package ecosystem

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An element is one of an XML file, without its namespace.
type element struct {
	name     string
	attrs    map[string]string
	text     string // what stands in it besides elements, without white space around it
	children []*element

	read []byte // text, while it is read
}

// maxDepth bounds how deep the elements of a manifest may nest.
const maxDepth = 100

// parseXML reads a file's root element. Document types are refused: they may name other files.
func parseXML(data []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = charset
	top := &element{}
	open := []*element{top}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		in := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			e := started(t)
			in.children = append(in.children, e)
			if open = append(open, e); len(open) > maxDepth {
				return nil, errors.New("its elements nest too deeply")
			}
		case xml.EndElement:
			in.text, in.read = string(bytes.TrimSpace(in.read)), nil
			open = open[:len(open)-1]
		case xml.CharData:
			in.read = append(in.read, t...)
		case xml.Directive:
			return nil, errors.New("it has a document type")
		}
	}
	if len(top.children) != 1 {
		return nil, errors.New("it has no root element")
	}
	return top.children[0], nil
}

func started(t xml.StartElement) *element {
	e := &element{name: t.Name.Local, attrs: map[string]string{}}
	for _, a := range t.Attr {
		e.attrs[a.Name.Local] = a.Value
	}
	return e
}

// charset reads the encodings in which each byte is the character of that number, near enough for names of files.
func charset(label string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "iso-8859-1", "windows-1252", "latin1", "us-ascii", "ascii":
		data, err := io.ReadAll(r)
		var out strings.Builder
		for _, b := range data {
			out.WriteRune(rune(b))
		}
		return strings.NewReader(out.String()), err
	}
	return nil, fmt.Errorf("the encoding %s is not known", label)
}

// all are the elements reached by a path of names: "modules/module".
func (e *element) all(names string) []*element {
	found := []*element{e}
	for _, name := range strings.Split(names, "/") {
		var next []*element
		for _, f := range found {
			for _, c := range f.children {
				if c.name == name {
					next = append(next, c)
				}
			}
		}
		found = next
	}
	return found
}

// child is the first element of that name, nil when there is none.
func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// walk visits all elements below e, each with the one it stands in, but none below one for which visit reports false.
func (e *element) walk(visit func(e, parent *element) bool) {
	for _, c := range e.children {
		if visit(c, e) {
			c.walk(visit)
		}
	}
}
