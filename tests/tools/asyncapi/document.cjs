// document.cjs FOLDER - judges asyncapi.json by the parser, and events, headers and cluster.json by it.
const { readFileSync } = require('node:fs');
const { Parser } = require('@asyncapi/parser');
const Ajv = require('ajv').default;
const addFormats = require('ajv-formats').default;

const folder = process.argv[2];
const text = (name) => readFileSync(`${folder}/${name}`, 'utf8');
const lines = (name) => text(name).split('\n').filter((line) => line !== '');
let count = 0;
let failures = 0;

function tap(sentence, complaints) {
  count += 1;
  for (const complaint of complaints.slice(0, 20)) console.log(`# ${complaint}`);
  if (complaints.length > 0) failures += 1;
  console.log(`${complaints.length === 0 ? 'ok' : 'not ok'} ${count} - ${sentence}`);
}

async function errorsOf(source) {
  const { diagnostics } = await new Parser().parse(source);
  return diagnostics.filter((d) => d.severity === 0).map((d) => `${d.path.join('.')}: ${d.message}`);
}

async function main() {
  const document = JSON.parse(text('asyncapi.json'));
  const events = lines('events').map((line) => JSON.parse(line));
  const brokerTopics = JSON.parse(text('cluster.json')).topics.map((t) => t.topic);

  tap('the document is valid AsyncAPI 3', await errorsOf(text('asyncapi.json')));
  const broken = structuredClone(document);
  delete broken.info;
  tap('the parser refuses a document without info',
    (await errorsOf(JSON.stringify(broken))).length > 0 ? [] : ['it was accepted']);

  tap('every channel is a topic of the broker',
    Object.keys(document.channels).filter((topic) => !brokerTopics.includes(topic)));
  const sent = new Set(Object.values(document.operations)
    .filter((operation) => operation.action === 'send')
    .map((operation) => operation.channel.$ref.split('/').pop().replaceAll('~1', '/')));
  tap('somebody sends to every channel', Object.keys(document.channels).filter((t) => !sent.has(t)));

  const known = (event) => document.channels[event.topic]?.messages[event.type] !== undefined;
  tap('the shop has published events', events.length > 0 ? [] : ['no record on any topic']);
  tap('every record on the broker is documented',
    events.filter((event) => !known(event)).map((event) => `${event.type} on ${event.topic}`));

  const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
  ajv.addSchema({ $id: 'doc', components: document.components });
  const complaints = new Set();
  for (const event of events.filter(known)) {
    const validate = ajv.getSchema(`doc#/components/messages/${event.type}/payload`);
    if (!validate(event.data))
      complaints.add(`${event.type}: ${ajv.errorsText(validate.errors)}`);
  }
  tap('every record has the documented shape', [...complaints]);

  const required = document.components.schemas.CloudEventHeaders.required;
  tap('every record carries the documented headers', lines('headers').flatMap((line) => {
    const [topic, headers] = line.split(' ');
    const names = headers.split(',').map((header) => header.split('=')[0]);
    return required.filter((name) => !names.includes(name)).map((name) => `${topic}: no ${name}`);
  }));
  console.log(`1..${count}`);
  process.exit(failures === 0 ? 0 : 1);
}

main();
