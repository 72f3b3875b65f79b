package main

// facts is what the file says, added up without any event. The summary compares what the handlers saw with it.
type facts struct {
	orders  []Order
	byID    map[string]*Order // by the id of the order's event
	pieces  int
	revenue Cents
	months  map[string]month
	points  map[string]Cents // by customer
	repeats int              // orders that a checkout publishes twice
}

func newFacts(orders []Order, sales []sale) *facts {
	f := &facts{orders: orders, byID: make(map[string]*Order, len(orders)), months: make(map[string]month), points: make(map[string]Cents)}
	for i := range orders {
		o := &orders[i]
		f.byID[eventID(o.Number)] = o
		f.pieces += o.Items
		f.revenue += o.Amount
		_, known := f.points[o.Customer]
		f.points[o.Customer] += o.Amount / 100
		m := f.months[o.month()]
		m.Orders++
		m.Revenue += o.Amount
		if !known {
			m.Joined++
		}
		f.months[o.month()] = m
	}
	for _, s := range sales {
		if s.twice {
			f.repeats++
		}
	}
	return f
}
