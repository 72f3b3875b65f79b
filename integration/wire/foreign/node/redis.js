'use strict';
// The redis client of Node: reads and writes the entries of a stream, and the messages of a channel.
const { createClient, RESP_TYPES } = require('@redis/client');
const { toText, toBytes, perform } = require('./task');

async function connected(task, use) {
  const client = createClient({ url: task.url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

// read returns the first entries of the stream, each as pairs of field and value.
function read(task) {
  return connected(task, async (client) => {
    const entries = await client.sendCommand(['XRANGE', task.key, '-', '+', 'COUNT', String(task.count)],
      { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } });
    return entries.map(([, fields]) => {
      const pairs = [];
      for (let i = 0; i < fields.length; i += 2) pairs.push([toText(fields[i]), toText(fields[i + 1])]);
      return { fields: pairs };
    });
  });
}

function publish(task) {
  return connected(task, async (client) => {
    for (const record of task.messages) {
      await client.sendCommand(['XADD', task.key, '*', ...record.fields.flat().map(toBytes)]);
    }
  });
}

function announce(task) {
  return connected(task, async (client) => {
    for (const text of task.messages) await client.publish(task.key, toBytes(text));
  });
}

perform({ read, publish, announce });
