package review

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
)

func TestSuggest(t *testing.T) {
	const text = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\"]\n"
	tests := []struct {
		name   string
		before string // "" for a new file
		text   string
		near   int
		edits  []fixes.Edit
		want   Suggestion
		why    string // part of it
	}{
		{name: "part of a line", text: text, near: 4, edits: []fixes.Edit{replace(text, "ci", "ci --omit=dev")},
			want: Suggestion{4, 4, "RUN npm ci --omit=dev\n"}},
		{name: "insertion repeats the line it stands on", text: text, near: 4,
			edits: []fixes.Edit{insertBefore(text, "CMD", "USER node\n")}, want: Suggestion{4, 4, "RUN npm ci\nUSER node\n"}},
		{name: "insertion repeats the line below", text: text, near: 1,
			edits: []fixes.Edit{insertBefore(text, "CMD", "USER node\n")}, want: Suggestion{5, 5, "USER node\nCMD [\"node\"]\n"}},
		{name: "insertion at the end", text: text, near: 1,
			edits: []fixes.Edit{{Start: len(text), End: len(text), New: "USER node\n"}}, want: Suggestion{5, 5, "CMD [\"node\"]\nUSER node\n"}},
		{name: "move", text: text, near: 3,
			edits: []fixes.Edit{replace(text, "COPY . .\n", "COPY package.json ./\n"), insertBefore(text, "CMD", "COPY . .\n")},
			want:  Suggestion{3, 4, "COPY package.json ./\nRUN npm ci\nCOPY . .\n"}},
		{name: "deletion", text: text, near: 2, edits: []fixes.Edit{replace(text, "WORKDIR /app\n", "")},
			want: Suggestion{2, 2, ""}},
		{name: "equal lines are left out", text: text, near: 2,
			edits: []fixes.Edit{replace(text, "WORKDIR /app\nCOPY . .\nRUN npm ci\n", "WORKDIR /app\nADD . .\nRUN npm ci\n")},
			want:  Suggestion{3, 3, "ADD . .\n"}},
		{name: "another file", text: text, near: 2, edits: []fixes.Edit{{Path: ".dockerignore", New: ".git\n"}},
			why: "it changes `.dockerignore`"},
		{name: "another file too", text: text, near: 2, edits: []fixes.Edit{replace(text, "npm ci", "npm i"), {Path: ".dockerignore", New: ".git\n"}},
			why: "also changes `.dockerignore`"},
		{name: "windows line ends", text: "FROM a\r\nADD . .\r\n", near: 2,
			edits: []fixes.Edit{replace("FROM a\r\nADD . .\r\n", "ADD", "COPY")}, why: "carriage returns"},
		{name: "last line without an end", text: "FROM a\nADD . .", near: 2,
			edits: []fixes.Edit{replace("FROM a\nADD . .", "ADD", "COPY")}, why: "no line end"},
		{name: "line end taken away", text: "FROM a\nADD . .\n", near: 2,
			edits: []fixes.Edit{replace("FROM a\nADD . .\n", "ADD . .\n", "COPY . .")}, why: "no line end"},
		{name: "last line gets an end", text: "FROM a\nADD . .", near: 2,
			edits: []fixes.Edit{replace("FROM a\nADD . .", "ADD . .", "COPY . .\n")}, why: "no line end"},
		{name: "last line without an end goes", text: "FROM a\nADD . .", near: 2,
			edits: []fixes.Edit{replace("FROM a\nADD . .", "ADD . .", "")}, why: "no line end"},
		{name: "insertion above a last line without an end", text: "FROM a\nRUN b\nCMD c", near: 3,
			edits: []fixes.Edit{insertBefore("FROM a\nRUN b\nCMD c", "CMD", "USER x\n")}, want: Suggestion{2, 2, "RUN b\nUSER x\n"}},
		{name: "byte order mark", text: "\ufeffFROM a\nADD . .\n", near: 1,
			edits: []fixes.Edit{replace("\ufeffFROM a\nADD . .\n", "FROM a", "FROM b")}, why: "cannot be shown"},
		{name: "deleted lines in the range", before: strings.Replace(text, "RUN npm ci", "RUN old\nRUN npm ci", 1), text: text, near: 4,
			edits: []fixes.Edit{replace(text, "COPY . .\nRUN npm ci\n", "RUN npm ci\nCOPY . .\n")}, why: "deleted lines"},
		{name: "beyond the hunk", before: strings.Replace(text, "WORKDIR /app", "WORKDIR /", 1) + "#\n#\n#\n",
			text: text + "#\n#\n#\n", near: 2, edits: []fixes.Edit{replace(text, "CMD [\"node\"]\n", "CMD node\n"), replace(text, "/app", "/srv")},
			want: Suggestion{2, 5, "WORKDIR /srv\nCOPY . .\nRUN npm ci\nCMD node\n"}},
		{name: "outside the hunks", before: strings.Replace(text, "FROM node", "FROM nod", 1), text: text, near: 1,
			edits: []fixes.Edit{replace(text, "[\"node\"]", "node")}, why: "beyond the lines of the diff"},
		{name: "anchored on the only line of the diff", before: strings.Replace(text, "FROM node", "FROM nod", 1), text: text, near: 5,
			edits: []fixes.Edit{insertBefore(text, "CMD", "USER node\n")}, want: Suggestion{4, 4, "RUN npm ci\nUSER node\n"}},
		{name: "too long", text: text, near: 1, edits: []fixes.Edit{replace(text, "ci", strings.Repeat("x", maxBlock))}, why: "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := File{Path: "Dockerfile", Text: []byte(tt.text), Diff: mustDiff(t, tt.before, tt.text)}
			found := example("it", tt.near, tt.text, tt.edits...)
			s, why := suggest(f, found.Fixes[0], Hunk{tt.near, tt.near})
			if !strings.Contains(why, tt.why) || (tt.why == "") != (why == "") {
				t.Fatalf("why = %q, want %q", why, tt.why)
			}
			if tt.why == "" && *s != tt.want {
				t.Errorf("suggestion is %+v, want %+v", *s, tt.want)
			}
		})
	}
}
