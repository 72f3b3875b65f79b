package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	goredis "github.com/redis/go-redis/v9"
	kafkago "github.com/segmentio/kafka-go"
)

// contractName finds the names that the drivers' contract gives to topics and groups: "dt-" and ten letters and digits of base 32, for each of its
// sentences.
var contractName = regexp.MustCompile(`dt-[a-z2-7]{10}-`)

// thing is what a broker holds under a name.
type thing struct{ sort, name string }

// store lists and removes things.
type store interface {
	list(ctx context.Context) ([]thing, error)
	remove(ctx context.Context, t thing) error
	close() error
}

// openStore returns the means to clean a broker. No error of it holds the URL.
func openStore(b Broker) (store, error) {
	target, err := url.Parse(b.URL)
	if err != nil {
		return nil, errors.New("its URL can't be read")
	}
	switch b.Kind {
	case RabbitMQ:
		return &rabbitmqStore{target: target}, nil
	case Kafka:
		transport := &kafkago.Transport{}
		return &kafkaStore{kafkago.Client{Addr: kafkago.TCP(strings.Split(b.Addr, ",")...), Transport: transport}, transport}, nil
	}
	options := &goredis.Options{Addr: b.Addr, Username: target.User.Username()}
	options.Password, _ = target.User.Password()
	return &redisStore{goredis.NewClient(options)}, nil
}

type redisStore struct{ client *goredis.Client }

func (s *redisStore) list(ctx context.Context) ([]thing, error) {
	var things []thing
	keys := s.client.Scan(ctx, 0, "*dt-*", 1000).Iterator()
	for keys.Next(ctx) {
		things = append(things, thing{"key", keys.Val()})
	}
	return things, keys.Err()
}

func (s *redisStore) remove(ctx context.Context, t thing) error {
	return s.client.Unlink(ctx, t.name).Err()
}
func (s *redisStore) close() error { return s.client.Close() }

type kafkaStore struct {
	client    kafkago.Client
	transport *kafkago.Transport
}

func (s *kafkaStore) list(ctx context.Context) ([]thing, error) {
	var things []thing
	cluster, err := s.client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	for _, t := range cluster.Topics {
		things = append(things, thing{"topic", t.Name})
	}
	groups, err := s.client.ListGroups(ctx, &kafkago.ListGroupsRequest{})
	if err != nil {
		return things, err
	}
	for _, g := range groups.Groups {
		things = append(things, thing{"group", g.GroupID})
	}
	return things, groups.Error
}

func (s *kafkaStore) remove(ctx context.Context, t thing) error {
	if t.sort == "topic" {
		answer, err := s.client.DeleteTopics(ctx, &kafkago.DeleteTopicsRequest{Topics: []string{t.name}})
		if err != nil {
			return err
		}
		return answer.Errors[t.name]
	}
	answer, err := s.client.DeleteGroups(ctx, &kafkago.DeleteGroupsRequest{GroupIDs: []string{t.name}})
	if err != nil {
		return err
	}
	return answer.Errors[t.name]
}

func (s *kafkaStore) close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// rabbitmqStore works over the management plugin: the protocol itself can't list names.
type rabbitmqStore struct{ target *url.URL }

func (s *rabbitmqStore) list(ctx context.Context) ([]thing, error) {
	var things []thing
	for _, sort := range []string{"exchanges", "queues"} {
		text, err := s.call(ctx, http.MethodGet, sort)
		if err != nil {
			return things, err
		}
		var found []struct{ Name string }
		if err := json.Unmarshal(text, &found); err != nil {
			return things, fmt.Errorf("the management plugin's answer: %w", err)
		}
		for _, f := range found {
			things = append(things, thing{sort, f.Name})
		}
	}
	return things, nil
}

func (s *rabbitmqStore) remove(ctx context.Context, t thing) error {
	_, err := s.call(ctx, http.MethodDelete, t.sort, t.name)
	return err
}

func (s *rabbitmqStore) close() error { return nil }

// managementPort is the plugin's own default.
const managementPort = "15672"

// call asks the management plugin about something of the URL's virtual host.
func (s *rabbitmqStore) call(ctx context.Context, method, sort string, name ...string) ([]byte, error) {
	vhost := strings.TrimPrefix(s.target.Path, "/")
	if vhost == "" {
		vhost = "/"
	}
	path := "/api/" + sort + "/" + url.PathEscape(vhost)
	for _, n := range name {
		path += "/" + url.PathEscape(n)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+net.JoinHostPort(s.target.Hostname(), managementPort)+path, nil)
	if err != nil {
		return nil, err
	}
	pass, _ := s.target.User.Password()
	request.SetBasicAuth(s.target.User.Username(), pass)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the management plugin does not answer: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= http.StatusBadRequest && answer.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("the management plugin answers %s", answer.Status)
	}
	return text, err
}
