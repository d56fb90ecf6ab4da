package prove

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// selfContained checks that the program reads no file, starts no program and asks for no account: its own code may use
// only packages that are known not to, and of those that can only the rest. The code of every build context counts,
// whether or not it is part of the program.
func (c *change) selfContained() error {
	modules := map[string]bool{}
	err := c.eachGoFile(func(name string, text []byte) error {
		if path.Base(name) != "go.mod" || vendored(name) {
			return nil
		}
		m := moduleLine.FindSubmatch(text)
		switch {
		case m == nil:
			return fmt.Errorf("%s does not name its module", name)
		case replaces.Match(text):
			return fmt.Errorf("%s puts other code in place of modules", name)
		}
		modules[string(m[1])] = true
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range c.Builds {
		if _, err := fs.Stat(b.Context, "go.work"); err == nil {
			return errors.New("go.work may put other code in place of modules")
		}
	}
	if len(modules) != 1 {
		return errors.New("the build context is not one Go module, so what the program is made of is not known")
	}
	return c.eachGoFile(func(name string, text []byte) error {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || vendored(name) {
			return nil
		}
		if err := contained(name, text, modules); err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
		return nil
	})
}

var (
	moduleLine = pattern.New(`(?m)^\s*module\s+"?([^\s"]+)"?\s*(?://.*)?$`)
	replaces   = pattern.New(`(?m)^\s*replace\b|=>`)
)

func vendored(name string) bool {
	return strings.HasPrefix("/"+name, "/vendor/") || strings.Contains(name, "/vendor/")
}

// touchless are packages of the standard library that use neither files nor programs of the image, other than those that
// both images have: certificates, time zones, the resolver's files, /tmp.
var touchless = strings.Fields(`bufio bytes cmp context errors expvar flag fmt html iter log maps math net reflect regexp slices
	sort strconv strings sync time unicode unique embed os runtime path io syscall
	archive/tar archive/zip compress/bzip2 compress/flate compress/gzip compress/lzw compress/zlib container/heap container/list
	container/ring crypto/aes crypto/cipher crypto/ecdsa crypto/ed25519 crypto/elliptic crypto/hmac crypto/md5 crypto/rand
	crypto/rsa crypto/sha1 crypto/sha256 crypto/sha512 crypto/subtle crypto/tls crypto/x509 crypto database/sql
	encoding encoding/base32 encoding/base64 encoding/binary encoding/csv encoding/gob encoding/hex encoding/json encoding/pem
	encoding/xml hash hash/adler32 hash/crc32 hash/crc64 hash/fnv hash/maphash html/template image image/color image/draw
	image/gif image/jpeg image/png io/fs log/slog math/big math/bits math/cmplx math/rand math/rand/v2 mime/multipart
	net/http net/http/httptrace net/http/httputil net/http/pprof net/mail net/netip net/rpc net/smtp net/textproto net/url
	os/signal path/filepath runtime/debug runtime/metrics runtime/pprof sync/atomic text/tabwriter text/template
	time/tzdata unicode/utf16 unicode/utf8`)

// touchlessModules use files only when they are told to, by functions that opens has.
var touchlessModules = strings.Fields(`github.com/google/uuid github.com/gorilla/mux github.com/go-chi/chi
	github.com/julienschmidt/httprouter github.com/gorilla/websocket github.com/pkg/errors golang.org/x/sync
	github.com/gin-gonic/gin github.com/go-chi/cors github.com/rs/cors`)

// only are the names that may be used of packages of which others use the image.
var only = map[string][]string{
	"os": strings.Fields(`Getenv LookupEnv Setenv Unsetenv Exit Stdin Stdout Stderr Signal Interrupt Kill Args Hostname Getpid
		ErrNotExist ErrExist ErrPermission IsNotExist IsExist ErrDeadlineExceeded`),
	"path/filepath": strings.Fields("Join Base Dir Ext Clean Split IsAbs Rel Match ToSlash FromSlash"),
	"syscall":       strings.Fields("SIGTERM SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGKILL SIGPIPE Signal"),
	"runtime":       strings.Fields("GOMAXPROCS NumCPU NumGoroutine GC Version GOOS GOARCH MemStats ReadMemStats Gosched"),
}

// opens are the functions and methods that open a file by its name, or look up the type of one in the image's tables,
// whatever they are of.
var opens = strings.Fields(`ParseFiles ParseGlob LoadX509KeyPair ServeFile ListenAndServeTLS ServeTLS OpenReader File
	FileAttachment LoadHTMLGlob LoadHTMLFiles RunTLS RunUnix SaveUploadedFile NewFileTransport FileServer FileServerFS ServeFileFS ServeContent`)

// ofImage are texts that mean something of the old image.
var ofImage = strings.Fields(`PATH HOME GOPATH GOROOT GOLANG_VERSION GOTOOLCHAIN SSL_CERT_FILE SSL_CERT_DIR
	unix unixgram unixpacket`)

// contained checks one file of the program.
func contained(name string, text []byte, modules map[string]bool) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return errors.New("is not Go that can be read")
	}
	imports := map[string]string{}
	for _, i := range f.Imports {
		at, err := strconv.Unquote(i.Path.Value)
		if err != nil || !harmless(at, modules) {
			return fmt.Errorf("uses %s, and what that needs of its image is not known", i.Path.Value)
		}
		as := path.Base(at)
		if i.Name != nil {
			as = i.Name.Name
		}
		if as == "." {
			return fmt.Errorf("imports %s without a name", i.Path.Value)
		}
		imports[as] = at
	}
	for _, group := range f.Comments {
		for _, line := range group.List {
			if strings.HasPrefix(line.Text, "//go:linkname") || strings.HasPrefix(line.Text, "//go:cgo") {
				return errors.New("reaches into other packages")
			}
		}
	}
	return uses(f, imports)
}

// harmless reports whether a package is one that needs nothing of the image, or the program's own.
func harmless(at string, modules map[string]bool) bool {
	if slices.Contains(touchless, at) {
		return true
	}
	if strings.Contains(at, "node_modules") || vendored(at) { // not looked at
		return false
	}
	of := func(module string) bool { return at == module || strings.HasPrefix(at, module+"/") }
	for module := range modules {
		if of(module) {
			return true
		}
	}
	return slices.ContainsFunc(touchlessModules, of)
}

// uses looks for what a file of the program uses of the image.
func uses(f *ast.File, imports map[string]string) error {
	var bad error
	ast.Inspect(f, func(n ast.Node) bool {
		if bad != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			if err == nil && n.Kind == token.STRING && slices.Contains(ofImage, text) {
				bad = fmt.Errorf("asks for %q, which may mean something of its image", text)
			}
		case *ast.FuncDecl:
			if n.Body == nil {
				bad = fmt.Errorf("does not say what %s does", n.Name.Name)
			}
		case *ast.SelectorExpr:
			bad = selects(n, imports)
		}
		return bad == nil
	})
	return bad
}

func selects(n *ast.SelectorExpr, imports map[string]string) error {
	if slices.Contains(opens, n.Sel.Name) || strings.HasPrefix(n.Sel.Name, "Static") {
		return fmt.Errorf("may read files when it runs (%s)", n.Sel.Name)
	}
	x, ok := n.X.(*ast.Ident)
	if !ok {
		return nil
	}
	at := imports[x.Name]
	allowed, limited := only[at]
	dir := n.Sel.Name == "Dir" && at != "path" && at != "path/filepath"
	if limited && !slices.Contains(allowed, n.Sel.Name) || dir {
		return fmt.Errorf("may use files of its image when it runs (%s.%s)", x.Name, n.Sel.Name)
	}
	return nil
}
