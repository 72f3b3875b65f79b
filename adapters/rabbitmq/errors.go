package rabbitmq

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/herald-go/herald/pkg/driver"
)

// Reasons that are worth their words.
var (
	errLogName        = errors.New("the log's name is longer than the 255 bytes that AMQP takes")
	errNoGroup        = errors.New("topic has no group: subscribe or declare one first, or publish with unrouted drop")
	errUnbound        = errors.New("the topic's groups had lost their bindings, and are bound again")
	errUnsure         = errors.New("no group of the topic is bound, and whether it has some could not be asked")
	errUnanswered     = errors.New("the broker does not answer")
	errNoInbox        = errors.New("group has never been subscribed, so it has no inbox")
	errLogGone        = errors.New("the log's stream does not exist: it was deleted, or nobody has made it")
	errKeepRefused    = errors.New("queues keep nothing for groups to come")
	errStartRefused   = errors.New("a queue begins with its declaration")
	errNacked         = errors.New("the broker answered with a nack: another queue of the topic may hold it")
	errNoAnswer       = errors.New("the connection was lost before the answer")
	errHeadersLarge   = errors.New("headers do not fit into one frame")
	errHeaderName     = errors.New("a header's name has more than 245 bytes")
	errLinkLost       = errors.New("connection lost")
	errNotConnected   = errors.New("no connection yet")
	errQueueGone      = errors.New("the queue was deleted and is declared anew")
	errChannelClosed  = errors.New("channel closed")
	errFrame          = errors.New("a frame is not what AMQP 0-9-1 says")
	errWaitTooLong    = errors.New("a delay is longer than 49 days, which RabbitMQ's timers can't hold")
	errDirectPatterns = errors.New("a direct exchange routes by whole types: name each type, without wildcards")
)

// fail gives an error its operation and topic.
func fail(op, topic string, err error) error {
	if err == nil {
		return nil
	}
	if topic == "" {
		return fmt.Errorf("rabbitmq: %s: %w", op, err)
	}
	return fmt.Errorf("rabbitmq: %s %s: %w", op, topic, err)
}

// because wraps a sentinel of package driver beside its reason.
func because(sentinel, reason error) error { return fmt.Errorf("%w: %w", sentinel, reason) }

// code returns the AMQP reply code of an error; 0 for what is none.
func code(err error) int {
	var e *amqp.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// unreachable reports whether the broker calls not found what is there: a queue whose node is down, or that does not answer the broker in time.
// AMQP has no other code for it, so the words tell.
func unreachable(err error) bool {
	return strings.Contains(err.Error(), "is down or inaccessible") || strings.Contains(err.Error(), "due to timeout")
}

// refusal reports whether the broker answered, so that asking the same again gets the same answer. Everything else is trouble on the way.
func refusal(err error) bool {
	switch code(err) {
	case amqp.AccessRefused, amqp.NotFound, amqp.ResourceLocked, amqp.PreconditionFailed, amqp.NotAllowed, amqp.NotImplemented, amqp.CommandInvalid:
		return true
	}
	for _, answer := range []error{
		driver.ErrConflict, driver.ErrUnknownTopic, driver.ErrUnsupported, driver.ErrPosition, driver.ErrInUse, driver.ErrClosed, errNoGroup,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// hopeless reports whether connecting again with the same configuration can't help.
func hopeless(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	if errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) {
		return true
	}
	if errors.Is(err, amqp.ErrCredentials) || errors.Is(err, amqp.ErrVhost) || errors.Is(err, amqp.ErrSASL) {
		return true
	}
	c := code(err)
	return c == amqp.AccessRefused || c == amqp.NotAllowed || alerted(err)
}

// alerted reports whether the broker refused the TLS session, such as for want of a certificate. With TLS 1.3 that is told after the
// handshake, to the first who reads, and amqp091 keeps no more of it than its text.
func alerted(err error) bool {
	const alert = "remote error: tls: "
	var told *amqp.Error
	if errors.As(err, &told) {
		return strings.HasPrefix(told.Reason, alert)
	}
	return strings.Contains(err.Error(), alert)
}

var inequivalent = regexp.MustCompile(`inequivalent arg '([^']*)' for (queue|exchange) '([^']*)' in vhost '[^']*': received (.*) but current is (.*)`)

// explain turns the broker's refusals into the sentinels of package driver.
func explain(err error) error {
	switch code(err) {
	case amqp.PreconditionFailed:
		if m := inequivalent.FindStringSubmatch(err.Error()); m != nil {
			return fmt.Errorf("%w: %s %s has %s = %s, and %s is wanted: configure what is there, or delete it once it is empty: %w",
				driver.ErrConflict, m[2], m[3], m[1], m[5], m[4], err)
		}
		return because(driver.ErrConflict, err)
	case amqp.ResourceLocked:
		return because(driver.ErrConflict, err)
	case amqp.NotFound:
		if unreachable(err) {
			return err
		}
		return because(driver.ErrUnknownTopic, err)
	case amqp.NotImplemented:
		return because(driver.ErrUnsupported, err)
	}
	return err
}

// quotes reports whether the broker's words name something.
func quotes(text, name string) bool { return strings.Contains(text, "'"+name+"'") }

// fateOf is the fate of a message whose way was refused before it was written.
func fateOf(err error) driver.Fate {
	switch code(err) {
	case amqp.AccessRefused:
		return driver.Denied
	case amqp.PreconditionFailed, amqp.NotAllowed, amqp.NotImplemented, amqp.ResourceLocked:
		return driver.Invalid
	}
	if errors.Is(err, errNoGroup) {
		return driver.Unroutable
	}
	if errors.Is(err, driver.ErrUnsupported) || errors.Is(err, driver.ErrConflict) {
		return driver.Invalid
	}
	return driver.Unavailable
}

func errTooLarge(size, most int) error {
	return fmt.Errorf("a body of %d bytes; the broker takes %d", size, most)
}
