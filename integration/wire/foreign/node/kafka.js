'use strict';
// kafkajs: reads and writes the records of a topic.
const { Kafka, logLevel, Partitioners } = require('kafkajs');
const { toText, toBytes, perform } = require('./task');

const client = (task) => new Kafka({ clientId: 'kafkajs', brokers: [task.url], logLevel: logLevel.ERROR });

function headersOf(headers) {
  const out = {};
  for (const [name, value] of Object.entries(headers || {})) out[name] = Array.isArray(value) ? value.map(toText) : toText(value);
  return out;
}

// read returns the first records of the topic's only partition.
async function read(task) {
  const consumer = client(task).consumer({ groupId: 'kafkajs-' + task.topic });
  await consumer.connect();
  await consumer.subscribe({ topic: task.topic, fromBeginning: true });
  const records = [];
  try {
    await new Promise((resolve, reject) => {
      consumer.on(consumer.events.CRASH, (event) => reject(event.payload.error));
      consumer.run({
        eachMessage: async ({ message }) => {
          if (records.length >= task.count) return;
          records.push({ key: toText(message.key), headers: headersOf(message.headers), timestamp: message.timestamp, value: toText(message.value) });
          if (records.length === task.count) resolve();
        },
      }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return records;
}

async function publish(task) {
  const producer = client(task).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    await producer.send({
      topic: task.topic,
      acks: -1,
      messages: task.messages.map((record) => {
        const headers = {};
        for (const [name, value] of Object.entries(record.headers || {})) headers[name] = Array.isArray(value) ? value.map(toBytes) : toBytes(value);
        return { key: toBytes(record.key), value: toBytes(record.value), headers, timestamp: record.timestamp };
      }),
    });
  } finally {
    await producer.disconnect();
  }
}

perform({ read, publish });
