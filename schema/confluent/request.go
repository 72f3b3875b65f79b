package confluent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/herald-go/herald/schema"
)

// contentType is the media type of the API's first version.
const contentType = "application/vnd.schemaregistry.v1+json"

// maxAnswer is how much of an answer is read: a schema of schema.MaxText, escaped.
const maxAnswer = 4 * schema.MaxText

// firstPause is the wait before the first retry; it doubles.
const firstPause = 100 * time.Millisecond

// ask sends a request, again if the registry does not answer, and decodes the answer.
func (c *Client) ask(ctx context.Context, method string, path []string, body, answer any) error {
	op := method + " /" + strings.Join(path, "/")
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("registry %s: %w", op, err)
		}
	}
	wait := firstPause
	for try := 0; ; try++ {
		again, err := c.send(ctx, method, path, text, answer)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("registry %s: %w", op, err)
		if !again || try >= c.config.Retries {
			return err
		}
		if cut := pause(ctx, wait); cut != nil {
			return fmt.Errorf("%w (%w)", err, cut)
		}
		wait *= 2
	}
}

// send sends a request once and reports whether another try is worth it.
func (c *Client) send(ctx context.Context, method string, path []string, text []byte, answer any) (again bool, err error) {
	escaped := make([]string, 0, len(path))
	for _, p := range path {
		escaped = append(escaped, url.PathEscape(p))
	}
	at := strings.TrimSuffix(c.base.String(), "/") + "/" + strings.Join(escaped, "/")
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(text))
	if err != nil {
		return false, errors.New("expected a subject that a URL can name")
	}
	r.Header.Set("Accept", contentType+", application/json")
	if text != nil {
		r.Header.Set("Content-Type", contentType)
	}
	switch {
	case c.config.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.config.Token)
	case c.config.Username != "" || c.config.Password != "":
		r.SetBasicAuth(c.config.Username, c.config.Password)
	}
	answered, err := c.http.Do(r)
	if err != nil {
		return ctx.Err() == nil, withoutURL(err)
	}
	defer answered.Body.Close() //nolint:errcheck // it has been read
	data, err := io.ReadAll(io.LimitReader(answered.Body, maxAnswer+1))
	switch {
	case err != nil:
		return true, err
	case len(data) > maxAnswer:
		return false, fmt.Errorf("%w: expected an answer of at most %d bytes", schema.ErrInvalidSchema, maxAnswer)
	case answered.StatusCode != http.StatusOK:
		return retryable(answered.StatusCode), refusal(answered.StatusCode, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return false, errors.New("expected an answer of the registry's JSON")
	}
	return false, nil
}

// withoutURL drops the URL that net/http puts into its errors; the operation names the path already, and a proxy's URL may hold a password.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func retryable(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

// Codes of the registry's errors.
const (
	codeSubject = 40401
	codeVersion = 40402
	codeSchema  = 40403
)

// refusal turns an answer that is no success into an error.
func refusal(status int, data []byte) error {
	var told struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(data, &told) != nil {
		return fmt.Errorf("status %d", status)
	}
	switch told.Code {
	case codeSubject, codeVersion, codeSchema:
		return fmt.Errorf("%w: %s", schema.ErrUnknown, clip(told.Message))
	}
	return fmt.Errorf("status %d, code %d: %s", status, told.Code, clip(told.Message))
}
