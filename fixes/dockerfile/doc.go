// Package dockerfile is a Dockerfile that remembers every byte.
//
// BuildKit's own parser decides where instructions begin and end and whether the file is valid; this package adds what
// that parser throws away: the byte span of every instruction, keyword, flag, word, heredoc and comment, the stages with
// what they are based on, and the shell words of a RUN mapped back to the file through continuations and the comments
// between them. Nothing here changes text; package fixes does.
//
// The model is three layers of text:
//
//   - the file: bytes, with its own line ends, byte order mark and indentation;
//   - the logical line of an instruction: what BuildKit sees once continuations, comments and empty lines in between are
//     taken out. Every byte of it is a byte of the file, so a range of it has a Span;
//   - the script of a shell-form RUN: its logical line or its heredoc, parsed by mvdan.cc/sh.
//
// A Span always refers to bytes of the file.
package dockerfile
