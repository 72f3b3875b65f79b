// Package orders has the types that the tests of package gotypes describe.
package orders

import (
	"encoding/json"
	"net/netip"
	"time"
)

// Order is what a customer buys. It is
// placed once.
//
// It never changes.
type Order struct {
	Header
	*Audit

	// Lines are what is bought, at least one.
	Lines []Line `json:"lines" schema:"notnull,minItems=1"`
	Total int64  `json:"total" schema:"minimum=0,example=2933"` // in cents
	Note  string `json:"note,omitempty" schema:"maxLength=200,description='What the customer says, if anything.'"`
	// Currency is an ISO 4217 code.
	Currency string            `json:"currency" schema:"pattern='^[A-Z]{3}$',default=EUR"`
	Status   Status            `json:"status"`
	Priority *Priority         `json:"priority,omitempty"`
	Ship     *Address          `json:"ship"`
	Bill     Address           `json:"bill,omitzero"`
	Tags     []string          `json:"tags,omitempty" schema:"uniqueItems,items.minLength=1,items.pattern='^[a-z,]+$'"`
	Labels   map[string]string `json:"labels"`
	Counts   map[int]uint8     `json:"counts,omitempty"`
	Meta     json.RawMessage   `json:"meta,omitempty"`
	Any      any               `json:"any"`
	Raw      []byte            `json:"raw"`
	From     netip.Addr        `json:"from" schema:"format=ipv4"`
	Ratio    float64           `json:"ratio,string"`
	Parent   *Order            `json:"parent,omitempty"`
	Old      bool              `json:"old"` // Deprecated: nobody reads it.
	Pair     [2]int16          `json:"pair"`
	Price    Money             `json:"price" schema:"type=string,pattern='^\\d+[.]\\d{2}$'"`
	Grid     [][]float32       `json:"grid"`
	Point    struct {
		// X is to the right.
		X int `json:"x"`
		Y int `json:"y"`
	} `json:"point"`
	Page Page[Line] `json:"page,omitzero"`

	hidden  int
	Skipped chan int `json:"-"`
}

// Header is embedded.
type Header struct {
	// ID names the order.
	ID string    `json:"id" schema:"format=uuid"`
	At time.Time `json:"at"`
	// Total is hidden by that of Order.
	Total string `json:"total"`
}

// Audit is embedded by a pointer.
type Audit struct {
	By string `json:"by"`
}

// Line is one thing of an order.
type Line struct {
	SKU      string  `json:"sku" schema:"minLength=1"`
	Quantity uint32  `json:"quantity"`
	Gift     *bool   `json:"gift,omitempty"`
	Parts    []*Line `json:"parts,omitzero"`
}

// Address is where things go.
type Address struct {
	Street string `json:"street"`
	// Zip is as the country writes it.
	Zip *string `json:"zip"`
}

// Status says how far an order is.
type Status string

// The values of Status.
const (
	StatusOpen Status = "open"
	StatusPaid Status = "paid"
)

// Values returns all of them.
func (Status) Values() []Status { return []Status{StatusOpen, StatusPaid} }

// Priority is more urgent the higher it is.
type Priority int

// The values of Priority.
const (
	Low Priority = iota
	High
)

// Values returns all of them.
func (Priority) Values() []Priority { return []Priority{Low, High} }

// Money writes itself.
type Money struct{ Cents int64 }

// MarshalJSON writes "12.50".
func (m Money) MarshalJSON() ([]byte, error) {
	return []byte(`"` + string([]byte{'0' + byte(m.Cents/100%10), '.', '0' + byte(m.Cents/10%10), '0' + byte(m.Cents%10)}) + `"`), nil
}

// Page is a generic type.
type Page[T any] struct {
	Items []T `json:"items"`
	More  bool
}

// Extra takes members of any name.
type Extra struct {
	Name string         `json:"name"`
	Rest map[string]int `json:"-" schema:"additionalProperties"`
}

// MarshalJSON writes the name and the rest.
func (e Extra) MarshalJSON() ([]byte, error) {
	all := map[string]any{"name": e.Name}
	for k, v := range e.Rest {
		all[k] = v
	}
	return json.Marshal(all)
}

type unexported struct {
	Self *unexported `json:"self,omitempty"`
	N    uint64
}

var _ = unexported{}.Self
