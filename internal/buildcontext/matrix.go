package buildcontext

import "strings"

// maxRows bounds how many rows of a matrix are told apart; GitHub itself runs at most 256 jobs of one.
const maxRows = 256

// The bounds of include: how often one of its objects meets a row, and how many keys it has.
const (
	maxMet  = 1 << 14
	maxKeys = 64
)

// A binding is one row of a matrix: the value of each of its keys.
type binding []pair

// text is the value of a key, or of what lies behind dots in it, if that is a literal text.
func (b binding) text(name string) (string, bool) {
	key, rest, deep := strings.Cut(name, ".")
	v := b.get(key)
	for deep && v.there() {
		key, rest, deep = strings.Cut(rest, ".")
		v = v.get(key)
	}
	text := v.text()
	return text, v.there() && v.scalar() && !strings.Contains(text, "${{")
}

// has reports whether the row has the key that a name begins with; GitHub takes another for an empty text.
func (b binding) has(name string) bool {
	key, _, _ := strings.Cut(name, ".")
	return b.get(key).there()
}

func (b binding) get(key string) value {
	for k := len(b) - 1; k >= 0; k-- {
		if b[k].key == key {
			return b[k].value
		}
	}
	return value{}
}

// rowsOf lists the rows of a matrix by GitHub's rules: every combination of the lists, without those that exclude names,
// with what include adds to them or puts beside them. A matrix that is too large or made by an expression has one row
// that knows nothing.
func rowsOf(matrix value) []binding {
	rows := []binding{nil}
	lists := 0
	for _, p := range matrix.pairs() {
		if p.key == "include" || p.key == "exclude" {
			continue
		}
		items := p.value.list()
		if len(items) == 0 || len(rows)*len(items) > maxRows {
			return []binding{nil}
		}
		rows = crossed(rows, p.key, items)
		lists++
	}
	kept := rows[:0]
	for _, row := range rows {
		if !row.excluded(matrix.get("exclude").list()) {
			kept = append(kept, row)
		}
	}
	return included(kept, lists, matrix.get("include"))
}

// crossed is every row with every item.
func crossed(rows []binding, key string, items []value) []binding {
	var out []binding
	for _, row := range rows {
		for _, item := range items {
			out = append(out, append(row[:len(row):len(row)], pair{key, item}))
		}
	}
	return out
}

// excluded reports whether all that some exclusion says is true of the row.
func (b binding) excluded(exclusions []value) bool {
	for _, e := range exclusions {
		pairs := e.pairs()
		if len(pairs) > 0 && b.agrees(pairs) {
			return true
		}
	}
	return false
}

func (b binding) agrees(pairs []pair) bool {
	for _, p := range pairs {
		if v := b.get(p.key); !v.there() || v.text() != p.value.text() {
			return false
		}
	}
	return true
}

// included adds the objects of include: to the rows whose own values they do not change, else as rows of their own.
func included(rows []binding, lists int, include value) []binding {
	items := include.list()
	if include.there() && len(items) == 0 || len(rows)*len(items) > maxMet {
		return []binding{nil}
	}
	originals := len(rows)
	if lists == 0 && len(items) > 0 {
		rows, originals = nil, 0
	}
	size := make([]int, originals)
	for k := range originals {
		size[k] = len(rows[k])
	}
	for _, item := range items {
		pairs, placed := item.pairs(), false
		if len(pairs) > maxKeys {
			return []binding{nil}
		}
		for k := range originals {
			if rows[k][:size[k]].allows(pairs) {
				rows[k], placed = append(rows[k][:len(rows[k]):len(rows[k])], pairs...), true
			}
		}
		if !placed {
			rows = append(rows, pairs)
		}
	}
	if len(rows) == 0 || len(rows) > maxRows {
		return []binding{nil}
	}
	return rows
}

// allows reports whether none of the row's own values would change.
func (b binding) allows(pairs []pair) bool {
	for _, p := range pairs {
		if v := b.get(p.key); v.there() && v.text() != p.value.text() {
			return false
		}
	}
	return true
}
