// npm's ksqldb-client (HTTP/2) and ksqldb-js, unchanged, against the server at the URL given.
const assert = require('assert');
const KsqldbClient = require('ksqldb-client');
const Ksqldb = require('ksqldb-js');

const url = new URL(process.argv[2]);
const name = 'C' + Math.random().toString(16).slice(2, 10).toUpperCase();
const done = (what) => console.log('ok ' + what);

async function ksqldbClient() {
  const client = new KsqldbClient({ host: `http://${url.hostname}`, port: Number(url.port) });
  await client.connect();
  const made = await client.executeStatement(
    `CREATE STREAM ${name} (id VARCHAR KEY, n INT) ` +
    `WITH (kafka_topic='${name}', value_format='JSON', partitions=1);`);
  assert.strictEqual(made.error, undefined);
  done('ksqldb-client executeStatement');
  assert((await client.listStreams()).some((s) => s.name === name));
  assert((await client.listTopics()).some((t) => t.name === name));
  done('ksqldb-client listStreams listTopics');
  const inserted = await client.insertInto(name, { id: 'a', n: 1 });
  assert.strictEqual(inserted.data.rows[0].status, 'ok');
  done('ksqldb-client insertInto');
  const found = await client.query(`SELECT * FROM ${name};`);
  assert.deepStrictEqual(found.data.rows, [{ ID: 'a', N: 1 }]);
  done('ksqldb-client query');
  assert.strictEqual((await client.describeSource(name)).name, name);
  done('ksqldb-client describeSource');
  const row = await new Promise((resolve, reject) => {
    const seen = (data) => { if (JSON.stringify(data).includes('"a"')) resolve(data); };
    const earliest = { properties: { 'auto.offset.reset': 'earliest' } };
    client.streamQuery(`SELECT * FROM ${name} EMIT CHANGES LIMIT 1;`, seen, earliest).catch(reject);
  });
  assert(row);
  done('ksqldb-client streamQuery');
  await client.disconnect();
}

async function ksqldbJs() {
  const client = new Ksqldb({ ksqldbURL: url.origin });
  const pulled = await client.pull(`SELECT * FROM ${name};`);
  assert.deepStrictEqual(pulled[1], ['a', 1]);
  done('ksqldb-js pull');
  await client.createStream(name + 'J', ['id VARCHAR KEY', 'n INT'], name + 'j', 'json', 1);
  done('ksqldb-js createStream');
  const inserted = await client.insertStream(name + 'J', [{ ID: 'b', N: 2 }]);
  assert(JSON.stringify(inserted).includes('ok'));
  done('ksqldb-js insertStream');
  assert(JSON.stringify((await client.inspectServerHealth()).data).includes('isHealthy'));
  assert(JSON.stringify((await client.inspectServerInfo()).data).includes('kafkaClusterId'));
  done('ksqldb-js inspectServerHealth inspectServerInfo');
  assert(JSON.stringify((await client.inspectQueryStatus(`stream/\`${name}\`/create`)).data).includes('SUCCESS'));
  assert(await client.isValidProperty('auto.offset.reset'));
  done('ksqldb-js inspectQueryStatus isValidProperty');
}

const limit = setTimeout(() => { console.error('no end in 60 s'); process.exit(1); }, 60000);
ksqldbClient().then(ksqldbJs).then(() => { clearTimeout(limit); process.exit(0); })
  .catch((error) => { console.error(error); process.exit(1); });
