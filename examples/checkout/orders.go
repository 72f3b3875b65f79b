package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/herald-go/herald/envelope"
	"github.com/herald-go/herald/pkg/messaging"
)

// Order is an order of a shop, and the data of order.placed.
type Order struct {
	Number   int    `json:"order"`
	Customer string `json:"customer"`
	Date     string `json:"date"` // 1997-01-31
	Items    int    `json:"items"`
	Amount   Cents  `json:"amount"`
}

// Rejection is the data of order.rejected.
type Rejection struct {
	Order  Order  `json:"order"`
	Reason string `json:"reason"`
}

// Customer is the data of customer.joined.
type Customer struct {
	ID    string `json:"customer"`
	Since string `json:"since"` // day of the first order
}

// The kinds of event of this shop. One value serves the publisher and every handler.
var (
	OrderPlaced    = messaging.Define[Order]("order.placed", "1")
	OrderRejected  = messaging.Define[Rejection]("order.rejected", "1")
	CustomerJoined = messaging.Define[Customer]("customer.joined", "1")
)

// eventID is the id of an order's order.placed. It depends on the order's number alone, so a checkout that publishes an order again, because
// it never heard whether the first time worked, publishes the same event.
func eventID(number int) string { return "order-" + strconv.Itoa(number) }

// check reports what no JSON decoder can see.
func (o *Order) check() error {
	switch {
	case o.Number <= 0:
		return fmt.Errorf("order number %d is not positive", o.Number)
	case o.Customer == "":
		return errors.New("the order has no customer")
	case o.Items <= 0:
		return fmt.Errorf("order %d has %d items", o.Number, o.Items)
	}
	_, err := time.Parse(time.DateOnly, o.Date)
	return err
}

// month returns the order's month, such as 1997-01.
func (o *Order) month() string { return o.Date[:len("1997-01")] }

// placed makes the order's event. Its key is the customer: the orders of one customer are handled in order, those of different ones side by
// side.
func (o *Order) placed() envelope.Event {
	return OrderPlaced.New(*o, envelope.ID(eventID(o.Number)), envelope.Key(o.Customer))
}

//go:embed testdata/orders-cdnow.csv.gz
var cdnow []byte

// loadOrders reads the orders of a CSV file, plain or gzip-compressed; an empty name is the file that the program carries. limit is the most
// orders to read; 0 is all.
func loadOrders(name string, limit int) ([]Order, error) {
	if name == "" {
		return readOrders(bytes.NewReader(cdnow), limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	orders, err := readOrders(f, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return orders, nil
}

func readOrders(r io.Reader, limit int) ([]Order, error) {
	b := bufio.NewReader(r)
	r = b
	if magic, _ := b.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		r = z
	}
	c := csv.NewReader(r)
	c.ReuseRecord = true
	header, err := c.Read()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if got := strings.Join(header, ","); got != "order,customer,date,items,amount_usd" {
		return nil, fmt.Errorf("columns are %q, not order,customer,date,items,amount_usd", got)
	}
	return readRows(c, limit)
}

func readRows(c *csv.Reader, limit int) ([]Order, error) {
	var orders []Order
	known := make(map[int]bool)
	for limit <= 0 || len(orders) < limit {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := c.FieldPos(0)
		o, err := parseOrder(row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if known[o.Number] {
			return nil, fmt.Errorf("line %d: order %d comes twice", line, o.Number)
		}
		known[o.Number] = true
		orders = append(orders, o)
	}
	if len(orders) == 0 {
		return nil, errors.New("no orders")
	}
	return orders, nil
}

func parseOrder(row []string) (Order, error) {
	number, err := strconv.Atoi(row[0])
	if err != nil {
		return Order{}, fmt.Errorf("order: %w", err)
	}
	items, err := strconv.Atoi(row[3])
	if err != nil {
		return Order{}, fmt.Errorf("items: %w", err)
	}
	amount, err := ParseCents(row[4])
	if err != nil {
		return Order{}, fmt.Errorf("amount_usd: %w", err)
	}
	// The reader uses a row's memory again for the next one.
	o := Order{Number: number, Customer: strings.Clone(row[1]), Date: strings.Clone(row[2]), Items: items, Amount: amount}
	return o, o.check()
}
