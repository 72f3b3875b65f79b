package main

import (
	"context"
	"fmt"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// albums is how many different CDs the shop has.
const albums = 500

// album says which CD an order is for. The file doesn't, so the order's number decides; album 0 is what everybody wants.
func album(o *Order) int {
	if o.Number%100 == 0 {
		return 0
	}
	return o.Number % albums
}

// inventory takes what was ordered from the shelf. An empty shelf is no error: no retry fills it. It is something that happened in the
// business, so it becomes an event that others can act on.
type inventory struct {
	publisher messaging.Publisher // set when the broker is open
	topic     string              // where rejections go
	book      *book

	// What book's lock guards.
	shelf    [albums]int
	sold     int // pieces
	rejected map[string]Order
}

// newInventory puts perAlbum pieces of each album on the shelf.
func newInventory(topic string, perAlbum int) *inventory {
	i := &inventory{topic: topic, book: newBook(), rejected: make(map[string]Order)}
	for a := range i.shelf {
		i.shelf[a] = perAlbum
	}
	return i
}

func (i *inventory) routes(bind func(orderHandler) messaging.Binding) messaging.Handler {
	return messaging.Route(bind(i.reserve))
}

// reserve decides once, and publishes as often as it is called: if publishing fails, or the process dies before the order is settled, the
// next attempt finds the decision and publishes the same event again. DerivedFrom gives it the same id each time, so it is one event.
func (i *inventory) reserve(ctx context.Context, e messaging.Typed[Order]) error {
	i.book.enter(e.Delivery, func() { i.decide(e) })
	if !i.isRejected(e.ID) {
		return nil
	}
	rejection := Rejection{Order: e.Value, Reason: fmt.Sprintf("album %d is out of stock", album(&e.Value))}
	return i.publisher.Publish(ctx, i.topic, OrderRejected.New(rejection, envelope.Key(e.Key), envelope.DerivedFrom(e.Event)))
}

func (i *inventory) decide(e messaging.Typed[Order]) {
	left := &i.shelf[album(&e.Value)]
	if *left < e.Value.Items {
		i.rejected[e.ID] = e.Value
		return
	}
	*left -= e.Value.Items
	i.sold += e.Value.Items
}

func (i *inventory) isRejected(id string) bool {
	i.book.mu.Lock()
	defer i.book.mu.Unlock()
	_, ok := i.rejected[id]
	return ok
}

// rejections returns how many orders were rejected so far.
func (i *inventory) rejections() int64 {
	i.book.mu.Lock()
	defer i.book.mu.Unlock()
	return int64(len(i.rejected))
}
