'use strict';
// What the scripts share: the task from standard input, the answer to standard output, and bytes as JSON: text as it is, anything else
// as "base64:…".

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function toText(bytes) {
  if (bytes === null || bytes === undefined) return null;
  if (typeof bytes === 'string') throw new Error('text where bytes were expected');
  try {
    return decoder.decode(bytes);
  } catch {
    return 'base64:' + Buffer.from(bytes).toString('base64');
  }
}

function toBytes(text) {
  if (text === null || text === undefined) return null;
  return text.startsWith('base64:') ? Buffer.from(text.slice(7), 'base64') : Buffer.from(text, 'utf8');
}

// perform reads the task and answers with what its function, named by "do", returns.
async function perform(actions) {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const task = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const answer = await actions[task.do](task);
  process.stdout.write(JSON.stringify(answer === undefined ? null : answer));
}

module.exports = { toText, toBytes, perform };
