package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/herald-go/herald/pkg/driver"
)

// Reasons that are worth their words.
var (
	errGroupsAway = errors.New("the topic had a group, and the brokers list none yet")
	errNoGroup    = errors.New("topic has no group: subscribe or declare one first, or publish with unrouted keep or drop")
	errNoInbox    = errors.New("group has never been subscribed, so it has no inbox")
	errOtherTypes = errors.New("live members have another type filter")
	errCount      = errors.New("kafka keeps by age and by bytes, not by count")
	errStale      = errors.New("the connection is closed")
	errNoLeader   = errors.New("partition has no leader")
	errNoAnswer   = errors.New("no answer in time")
	errVanished   = errors.New("the topic is not there, or not yet")
	errUnknown    = errors.New("the broker lost track of the producer after an attempt that was not answered")
)

// fail gives an error its operation and topic.
func fail(op, topic string, err error) error {
	if err == nil {
		return nil
	}
	if topic == "" {
		return fmt.Errorf("kafka: %s: %w", op, err)
	}
	return fmt.Errorf("kafka: %s %s: %w", op, topic, err)
}

// because wraps a sentinel of package driver beside its reason.
func because(sentinel, reason error) error { return fmt.Errorf("%w: %w", sentinel, reason) }

// code returns an answer's error, or nil.
func code(n int16) error {
	if n == 0 {
		return nil
	}
	return kafkago.Error(n)
}

// is reports whether err is one of the broker's errors.
func is(err error, codes ...kafkago.Error) bool {
	var e kafkago.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e == c {
			return true
		}
	}
	return false
}

// permanent reports whether trying again is of no use: the broker has said no, and will say so again.
func permanent(err error) bool {
	return errors.Is(err, driver.ErrUnsupported) || errors.Is(err, driver.ErrConflict) || errors.Is(err, driver.ErrUnknownTopic) ||
		errors.Is(err, driver.ErrPosition) || errors.Is(err, driver.ErrInUse) || errors.Is(err, driver.ErrClosed) ||
		errors.Is(err, errProtocol) || denied(err) ||
		is(err, kafkago.InvalidTopic, kafkago.InvalidReplicationFactor, kafkago.InvalidPartitionNumber, kafkago.InvalidConfiguration,
			kafkago.PolicyViolation, kafkago.UnsupportedVersion, kafkago.InvalidRequest, kafkago.InvalidGroupId,
			kafkago.InvalidSessionTimeout, kafkago.InconsistentGroupProtocol)
}

// denied reports whether the broker refuses this user.
func denied(err error) bool {
	return is(err, kafkago.SASLAuthenticationFailed, kafkago.UnsupportedSASLMechanism, kafkago.IllegalSASLState,
		kafkago.TopicAuthorizationFailed, kafkago.GroupAuthorizationFailed, kafkago.ClusterAuthorizationFailed,
		kafkago.TransactionalIDAuthorizationFailed, kafkago.SecurityDisabled)
}

// forbidden is denied, but for a login that is refused: brokers that have just begun may not know their users yet.
func forbidden(err error) bool {
	return denied(err) && !is(err, kafkago.SASLAuthenticationFailed, kafkago.UnsupportedSASLMechanism, kafkago.IllegalSASLState)
}

// distrusts reports whether one side of a TLS connection refuses the other: by the certificate, for want of one, or since it does not speak TLS.
// Who opens a connection learns it at once; one that was open goes on trying, since certificates are exchanged.
func distrusts(err error) bool {
	var verify *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var told *net.OpError
	return errors.As(err, &verify) || errors.As(err, &plain) || errors.As(err, &told) && told.Op == "remote error"
}

// ended returns the context's cause beside the last error that was met on the way.
func ended(ctx context.Context, last error) error {
	cause := context.Cause(ctx)
	if last == nil || errors.Is(last, cause) {
		return cause
	}
	return fmt.Errorf("%w: %w", cause, last)
}
