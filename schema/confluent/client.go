package confluent

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/schema"
)

// Client asks one registry. It is safe for concurrent use, starts no goroutine of its own and needs no closing.
type Client struct {
	config  Config
	base    *url.URL
	http    *http.Client
	schemas *memo[version, registered] // by subject and version
	ids     *memo[int, registered]     // by id
	frames  *memo[schema.Ref, frame]
}

var (
	_ schema.Registry = (*Client)(nil)
	_ schema.Lister   = (*Client)(nil)
	_ schema.Framing  = (*Client)(nil)
)

// version is one version of a subject.
type version struct {
	subject string
	number  int
}

// registered is what the registry says about one version.
type registered struct {
	id     int
	schema schema.Schema
}

// New returns a client. It asks nothing yet.
func New(c Config) (*Client, error) {
	c, base, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	own := http.Client{}
	if c.HTTP != nil {
		own = *c.HTTP
	}
	own.Timeout = 0
	own.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme || len(via) > 3 {
			return errors.New("redirected elsewhere")
		}
		return nil
	}
	return &Client{
		config: c, base: base, http: &own,
		schemas: newMemo[version, registered](c.Cache, c.UnknownFor),
		ids:     newMemo[int, registered](c.Cache, c.UnknownFor),
		frames:  newMemo[schema.Ref, frame](c.Cache, c.UnknownFor),
	}, nil
}

// Schema implements schema.Registry. A version that is no whole number is one that the registry can't have.
func (c *Client) Schema(ctx context.Context, ref schema.Ref) (schema.Schema, error) {
	r, err := c.find(ctx, ref)
	return r.schema, err
}

// ID returns the registry's id of the schema of a type and version.
func (c *Client) ID(ctx context.Context, ref schema.Ref) (int, error) {
	r, err := c.find(ctx, ref)
	return r.id, err
}

// ByID returns the schema of an id.
func (c *Client) ByID(ctx context.Context, id int) (schema.Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	r, err := c.ids.get(ctx, id, func(ctx context.Context) (registered, error) {
		var answer schemaAnswer
		if err := c.ask(ctx, http.MethodGet, []string{"schemas", "ids", strconv.Itoa(id)}, nil, &answer); err != nil {
			return registered{}, err
		}
		s, err := c.resolve(ctx, answer, "id "+strconv.Itoa(id), &budget{})
		return registered{id: id, schema: s}, err
	})
	return r.schema, err
}

// find returns what the registry has for a type and version.
func (c *Client) find(ctx context.Context, ref schema.Ref) (registered, error) {
	v, err := c.versionOf(ref)
	if err != nil {
		return registered{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	return c.fetch(ctx, v, &budget{})
}

func (c *Client) versionOf(ref schema.Ref) (version, error) {
	n, err := strconv.Atoi(envelope.CanonicalVersion(ref.Version))
	if err != nil || n < 1 {
		return version{}, fmt.Errorf("%w: %s: the registry has whole numbers for versions", schema.ErrUnknown, ref)
	}
	return version{c.config.Subject(ref.Canonical()), n}, nil
}

// fetch asks for one version and for all that it refers to.
func (c *Client) fetch(ctx context.Context, v version, b *budget) (registered, error) {
	if err := b.enter(v); err != nil {
		return registered{}, err
	}
	defer b.leave()
	return c.schemas.get(ctx, v, func(ctx context.Context) (registered, error) {
		var answer schemaAnswer
		if err := c.ask(ctx, http.MethodGet, []string{"subjects", v.subject, "versions", strconv.Itoa(v.number)}, nil, &answer); err != nil {
			return registered{}, err
		}
		s, err := c.resolve(ctx, answer, v.subject+" version "+strconv.Itoa(v.number), b)
		return registered{id: answer.ID, schema: s}, err
	})
}

// resolve turns an answer into a schema with its references.
func (c *Client) resolve(ctx context.Context, a schemaAnswer, source string, b *budget) (schema.Schema, error) {
	format, ok := formatOf(a.SchemaType)
	if !ok {
		return schema.Schema{}, fmt.Errorf("%w: %s: the registry's type %q is not known", schema.ErrInvalidSchema, source, clip(a.SchemaType))
	}
	s := schema.Schema{Format: format, Text: []byte(a.Schema), Source: source}
	for _, ref := range a.References {
		r, err := c.fetch(ctx, version{ref.Subject, ref.Version}, b)
		if errors.Is(err, schema.ErrUnknown) {
			// The registry's own schema is broken; to the caller the schema it asked for is not unknown.
			return schema.Schema{}, fmt.Errorf("%w: %s: its reference %q leads nowhere", schema.ErrInvalidSchema, source, clip(ref.Name))
		}
		if err != nil {
			return schema.Schema{}, err
		}
		s.References = append(s.References, schema.Reference{Name: ref.Name, Schema: r.schema})
		if err := s.CheckLimits(); err != nil {
			return schema.Schema{}, err // references that are shared at every level are few to ask for and endless to walk over
		}
	}
	return s, nil
}

// budget bounds what one question may lead to.
type budget struct {
	trail []version
	count int
}

func (b *budget) enter(v version) error {
	if slices.Contains(b.trail, v) {
		return fmt.Errorf("%w: the references of %s version %d lead back to it", schema.ErrInvalidSchema, v.subject, v.number)
	}
	b.trail = append(b.trail, v)
	b.count++
	if len(b.trail) > schema.MaxReferenceDepth || b.count > schema.MaxReferences {
		return fmt.Errorf("%w: expected at most %d references and %d levels of them", schema.ErrInvalidSchema, schema.MaxReferences, schema.MaxReferenceDepth)
	}
	return nil
}

func (b *budget) leave() { b.trail = b.trail[:len(b.trail)-1] }

// List implements schema.Lister: a Ref for each version of each subject. It asks once for each subject.
func (c *Client) List(ctx context.Context) ([]schema.Ref, error) {
	var subjects []string
	if err := c.askWithin(ctx, http.MethodGet, []string{"subjects"}, nil, &subjects); err != nil {
		return nil, err
	}
	var refs []schema.Ref
	for _, s := range subjects {
		var versions []int
		err := c.askWithin(ctx, http.MethodGet, []string{"subjects", s, "versions"}, nil, &versions)
		if errors.Is(err, schema.ErrUnknown) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			refs = append(refs, schema.Ref{Type: s, Version: strconv.Itoa(v)})
		}
	}
	slices.SortFunc(refs, schema.Ref.Compare)
	return refs, nil
}

// askWithin asks within Config.Timeout.
func (c *Client) askWithin(ctx context.Context, method string, path []string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	return c.ask(ctx, method, path, body, answer)
}

// Register registers a schema under the subject of a type and returns its id; the registry numbers the versions itself. References are named by
// their Source, "<subject> version <number>", which schemas of this client have. A schema that is registered already keeps its id. An
// incompatible one is an error of the registry's own words.
func (c *Client) Register(ctx context.Context, typ string, s schema.Schema) (int, error) {
	body := schemaRequest{Schema: string(s.Text), SchemaType: typeOf(s.Format)}
	for i := range s.References {
		ref := &s.References[i]
		v, err := sourceVersion(ref.Source)
		if err != nil {
			return 0, fmt.Errorf("register %s: reference %q: %w", typ, ref.Name, err)
		}
		body.References = append(body.References, reference{Name: ref.Name, Subject: v.subject, Version: v.number})
	}
	var answer struct {
		ID int `json:"id"`
	}
	subject := c.config.Subject(schema.Ref{Type: typ})
	if err := c.askWithin(ctx, http.MethodPost, []string{"subjects", subject, "versions"}, body, &answer); err != nil {
		return 0, err
	}
	c.schemas.forgetUnknown()
	c.frames.forgetUnknown()
	c.ids.forgetUnknown()
	return answer.ID, nil
}

// pause waits before a request is tried again.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
