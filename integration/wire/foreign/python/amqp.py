"""pika: reads and writes the messages of a topic exchange. The same tasks and answers as amqp.js."""
import base64
import datetime
import decimal
import json
import sys

import pika

NAMES = {
    "content_type": "contentType", "content_encoding": "contentEncoding", "delivery_mode": "deliveryMode", "priority": "priority",
    "correlation_id": "correlationId", "reply_to": "replyTo", "expiration": "expiration", "message_id": "messageId",
    "timestamp": "timestamp", "type": "type", "app_id": "appId",
}


def to_text(value):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(value).decode()


def to_bytes(text):
    return base64.b64decode(text[7:]) if text.startswith("base64:") else text.encode()


def queue_of(task):
    return "foreign.pika." + task["topic"]


def prepare(task, channel):
    channel.queue_declare(queue_of(task), durable=True)
    channel.queue_bind(queue_of(task), task["topic"], "#")


def read(task, channel):
    records = []
    for method, properties, body in channel.consume(queue_of(task), inactivity_timeout=60):
        if method is None:
            raise RuntimeError("only %d of %d messages came" % (len(records), task["count"]))
        given = {name: getattr(properties, key) for key, name in NAMES.items() if getattr(properties, key) is not None}
        records.append({"routingKey": method.routing_key, "properties": given, "headers": properties.headers or {}, "body": to_text(body)})
        channel.basic_ack(method.delivery_tag)
        if len(records) == task["count"]:
            break
    channel.cancel()
    return records


def send(task, channel, routing_key, body, properties, headers):
    keys = {name: key for key, name in NAMES.items()}
    native = pika.BasicProperties(headers=headers, **{keys[name]: value for name, value in properties.items()})
    channel.basic_publish(task["topic"], routing_key, body, native, mandatory=True)


def publish(task, channel):
    channel.confirm_delivery()
    for record in task["messages"]:
        send(task, channel, record["routingKey"], to_bytes(record["body"]), record["properties"], record["headers"])


def strange(task, channel):
    """Publishes what only AMQP can say."""
    channel.confirm_delivery()
    send(task, channel, "strange.headers", b"strange", {"contentType": "text/plain", "messageId": "strange-1"}, {
        "table": {"inner": "text", "deep": {"n": 1}}, "list": [1, "two", None, [3]], "nothing": None, "yes": True,
        "int": 42, "negative": -7, "long": 9007199254740991, "decimal": decimal.Decimal("123.45"),
        "time": datetime.datetime(2024, 1, 15, 10, 30), "bytes": bytes([0, 255, 1]),
    })
    send(task, channel, "", b"", {}, {})


def main():
    task = json.load(sys.stdin)
    connection = pika.BlockingConnection(pika.URLParameters(task["url"]))
    try:
        actions = {"prepare": prepare, "read": read, "publish": publish, "strange": strange}
        answer = actions[task["do"]](task, connection.channel())
    finally:
        connection.close()
    json.dump(answer, sys.stdout)


main()
