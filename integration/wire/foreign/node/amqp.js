'use strict';
// amqplib: reads and writes the messages of a topic exchange.
const amqp = require('amqplib');
const { toText, toBytes, perform } = require('./task');

const PROPERTIES = ['contentType', 'contentEncoding', 'deliveryMode', 'priority', 'correlationId', 'replyTo', 'expiration', 'messageId',
  'timestamp', 'type', 'appId'];

const queueOf = (task) => 'foreign.amqplib.' + task.topic;

async function connected(task, use) {
  const connection = await amqp.connect(task.url);
  try {
    return await use(await connection.createConfirmChannel());
  } finally {
    await connection.close();
  }
}

function prepare(task) {
  return connected(task, async (channel) => {
    await channel.assertQueue(queueOf(task), { durable: true });
    await channel.bindQueue(queueOf(task), task.topic, '#');
  });
}

function read(task) {
  return connected(task, (channel) => new Promise((resolve, reject) => {
    const records = [];
    channel.consume(queueOf(task), (message) => {
      if (message === null) return reject(new Error('the queue is gone'));
      const properties = {};
      for (const name of PROPERTIES) {
        if (message.properties[name] !== undefined) properties[name] = message.properties[name];
      }
      records.push({
        routingKey: message.fields.routingKey,
        properties,
        headers: message.properties.headers || {},
        body: toText(message.content),
      });
      channel.ack(message);
      if (records.length === task.count) channel.waitForConfirms().then(() => resolve(records), reject);
      return undefined;
    }).catch(reject);
  }));
}

async function send(channel, task, records) {
  const returned = [];
  channel.on('return', (message) => returned.push(message.fields.routingKey));
  for (const record of records) {
    channel.publish(task.topic, record.routingKey, toBytes(record.body) || Buffer.alloc(0),
      { ...record.properties, headers: record.headers, mandatory: true });
  }
  await channel.waitForConfirms();
  if (returned.length > 0) throw new Error('returned: ' + returned);
}

const publish = (task) => connected(task, (channel) => send(channel, task, task.messages));

// strange publishes what only AMQP can say.
const strange = (task) => connected(task, (channel) => send(channel, task, [
  { routingKey: 'strange.headers', body: 'strange', properties: { contentType: 'text/plain', messageId: 'strange-1' }, headers: {
    table: { inner: 'text', deep: { n: 1 } }, list: [1, 'two', null, [3]], nothing: null, yes: true,
    int: 42, negative: -7, long: 9007199254740991, double: 1.5,
    decimal: { '!': 'decimal', value: { places: 2, digits: 12345 } },
    time: { '!': 'timestamp', value: 1705314600 }, bytes: Buffer.from([0, 255, 1]),
  } },
  { routingKey: '', body: '', properties: {}, headers: {} },
]));

perform({ prepare, read, publish, strange });
