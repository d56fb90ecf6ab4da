package githubtest

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed contract/openapi.json
var openapiText []byte

//go:embed contract/schema.graphql
var graphqlText string

// A contract is GitHub's own description of its interfaces, cut to the operations in use.
type contract struct {
	router routers.Router
	schema *ast.Schema
}

// loadContract reads the descriptions once for the whole process. They are not changed afterwards.
var loadContract = sync.OnceValues(readContract)

func readContract() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapiText)
	if err != nil {
		return nil, err
	}
	allowNull(doc.Components.Schemas["pull-request"].Value.Properties["head"].Value, "repo")
	takeSlashes(doc.Paths)
	if err := anyAccount(doc.Paths); err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: graphqlText})
	if err != nil {
		return nil, err
	}
	return &contract{router: router, schema: schema}, nil
}

// anyAccount lets an installation belong to a user or an enterprise. The description of the list asks that it belong to
// both at once, as no installation does; that of a single one says either.
func anyAccount(paths *openapi3.Paths) error {
	item := paths.Value("/app/installations")
	if item == nil {
		return errors.New("no list of installations")
	}
	installation := item.Get.Responses.Status(200).Value.Content["application/json"].Schema.Value.Items.Value
	account := installation.Properties["account"].Value
	account.AnyOf, account.AllOf = account.AllOf, nil
	return nil
}

// allowNull lets a property be null that GitHub's description does not: the head's repository, when it was a fork that
// was deleted since.
func allowNull(schema *openapi3.Schema, name string) {
	none := &openapi3.Schema{Nullable: true, Type: &openapi3.Types{"object"}, MaxProps: new(uint64)}
	schema.Properties[name] = &openapi3.SchemaRef{Value: &openapi3.Schema{
		Nullable: true, AnyOf: openapi3.SchemaRefs{schema.Properties[name], {Value: none}},
	}}
}

// route finds the operation that a request calls.
func (c *contract) route(r *http.Request) (*routers.Route, map[string]string, error) {
	at, params, err := c.router.FindRoute(r)
	for name, text := range params {
		if plain, err := url.PathUnescape(text); err == nil {
			params[name] = plain
		}
	}
	return at, params, err
}

// takeSlashes lets the parameters that name a branch or a file span several segments of a path.
func takeSlashes(paths *openapi3.Paths) {
	long := strings.NewReplacer("{ref}", "{ref:.+}", "{path}", "{path:.+}", "{branch}", "{branch:.+}",
		"{base}", "{base:.+}", "{head}", "{head:.+}")
	for path, item := range paths.Map() {
		if to := long.Replace(path); to != path {
			paths.Delete(path)
			paths.Set(to, item)
		}
	}
}

// A checked is a request as the contract saw it.
type checked = openapi3filter.RequestValidationInput

func lax() *openapi3filter.Options {
	return &openapi3filter.Options{
		MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
}

// request checks a request against its operation.
func (c *contract) request(r *http.Request, body []byte, at *routers.Route, params map[string]string,
) (*checked, error) {
	again := r.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	in := &checked{Request: again, PathParams: params, Route: at, Options: lax()}
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
		return in, fmt.Errorf("request %s %s: %w", r.Method, r.URL.Path, err)
	}
	return in, nil
}

// response checks an answer against its operation.
func (c *contract) response(in *checked, status int, header http.Header, body []byte) error {
	if in.Route.Operation.Responses.Status(status) == nil && undescribed(status) {
		return nil
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: status, Header: header, Options: lax(),
		Body: io.NopCloser(bytes.NewReader(body)),
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		return fmt.Errorf("answer to %s %s: %w", in.Request.Method, in.Request.URL.Path, err)
	}
	return nil
}

// undescribed is the list of answers that GitHub gives to any operation and describes for some only.
func undescribed(status int) bool {
	switch status {
	case 301, 307: // a repository was renamed
		return true
	case 304: // a conditional request whose answer is known
		return true
	case 401, 403, 404, 429: // credentials, permissions, what a token does not reach, limits
		return true
	case 422: // a body that is too long
		return true
	}
	return false
}
