// The page: everything it shows comes from /v2 and is put in as text, never as HTML.

const $ = (id) => document.getElementById(id);
const LIMIT = 50;
const CHANGES_MAX = 50;

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function get(path, signal) {
  const response = await fetch(path, { signal });
  const document = await response.json();
  if (!response.ok && response.status !== 404) throw new Error(document.error ?? `status ${response.status}`);
  return response.ok ? document : null;
}

// --- search ---

let asking = null;

async function search() {
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  const part = $('search').value.trim();
  try {
    const page = await get(`/v2/records?limit=${LIMIT}&search=${encodeURIComponent(part)}`, signal);
    if (page === null) {
      $('summary').textContent = 'Lists are switched off (enumerationOn).';
      return;
    }
    showResults(page, part.toLowerCase());
  } catch (error) {
    if (!signal.aborted) $('summary').textContent = error.message;
  }
}

function showResults({ names, next }, part) {
  $('results').replaceChildren(...names.flatMap((found) => rowsOf(found, part)));
  $('results').dataset.part = part;
  const count = next === null ? names.length : `the first ${names.length}`;
  $('summary').textContent =
    names.length === 0
      ? 'No name has this in it. '
      : `${count} names${next === null ? '' : '; type more to narrow it down'}`;
  if (names.length === 0 && part !== '') $('summary').append(taskButton($('search').value.trim()));
}

/** A task that is not published has no name to be found by. */
function taskButton(task) {
  const button = element('button', 'Is there such a task?');
  button.type = 'button';
  button.addEventListener('click', () => void explain('task', task));
  return button;
}

function rowsOf({ name, a, aaaa, srv, count }, part) {
  const lists = Object.entries({ A: a, AAAA: aaaa, SRV: srv }).filter(([, values]) => values.length > 0);
  const shown = a.length + aaaa.length + srv.length;
  return lists.map(([type, values], i) => {
    const row = element('tr');
    const cell = element('td');
    if (i === 0) cell.append(nameButton(name, part));
    const more = i === lists.length - 1 && count > shown ? ` … ${count - shown} more` : '';
    const list = element('td');
    for (const value of values) list.append(element('div', value));
    if (more) list.append(element('div', more));
    row.append(cell, element('td', type), list);
    return row;
  });
}

function nameButton(name, part) {
  const button = element('button');
  button.type = 'button';
  const at = part === '' ? -1 : name.toLowerCase().indexOf(part);
  if (at < 0) button.textContent = name;
  else
    button.append(name.slice(0, at), element('mark', name.slice(at, at + part.length)), name.slice(at + part.length));
  button.addEventListener('click', () => void explain('name', name));
  return button;
}

// --- why ---

/** @param what `name` or `task` */
async function explain(what, text) {
  $('why').hidden = false;
  $('why-name').textContent = text;
  try {
    showWhy(await get(`/v2/explain?${what}=${encodeURIComponent(text)}`), what);
  } catch (error) {
    $('why-text').replaceChildren(element('p', error.message));
  }
  // It stands beside or below a list that may be longer than the window.
  $('why').scrollIntoView({ block: 'nearest' });
}

function showWhy(why, what) {
  if (why === null) throw new Error('Explanations are switched off (enumerationOn).');
  const blocks = [];
  for (const record of why.cluster ?? [])
    blocks.push(facts({ [record.type]: record.value, 'comes from': `the ${record.of}` }));
  for (const task of why.tasks) {
    blocks.push(
      facts({
        task: task.id,
        state: task.state,
        framework: task.framework.name,
        agent: `${task.agent.hostname ?? 'unknown'} (${task.agent.id})`,
        'address from': task.ipSource ?? 'nowhere',
        ...(task.healthy === null ? {} : { health: task.healthy ? 'good' : 'fails' }),
        records: task.records.map(lineOf).join('\n') || 'none',
        ...(task.withheld.length === 0 ? {} : { 'left out': task.withheld.map(lineOf).join('\n') }),
        ...(task.reason === null ? {} : { 'not published': task.reason }),
      }),
    );
  }
  if (why.more) blocks.push(element('p', 'There are more tasks than shown.'));
  if (blocks.length === 0)
    blocks.push(element('p', `Nothing in the cluster ${what === 'name' ? 'makes' : 'has'} this name.`));
  $('why-text').replaceChildren(...blocks);

  // Of a name that was asked for, the name itself need not be said again.
  function lineOf({ name, type, value }) {
    return `${what === 'name' ? '' : `${name} `}${type} ${value}`;
  }
}

function facts(values) {
  const list = element('dl');
  for (const [term, text] of Object.entries(values)) list.append(element('dt', term), element('dd', text));
  return list;
}

// --- health ---

async function showStatus() {
  try {
    const status = await get('/v2/status');
    const { zone, cluster, upstreams } = status;
    $('version').textContent = status.version;
    document.title = `${status.domain} · mesos-dns`;
    const { held } = status;
    const concern = held === null ? (zone?.stale ? 'stale' : '') : 'an update is held back';
    const trouble = status.ready ? concern : status.reasons.join('; ');
    setHealth(trouble === '' ? 'ready' : trouble, trouble === '');
    $('cluster').replaceChildren(
      ...facts({
        domain: status.domain,
        serial: zone?.serial ?? 'none yet',
        leader: cluster?.leader ?? 'unknown',
        Mesos: cluster?.mesosVersion || 'unknown',
        agents: cluster === null ? 'unknown' : agentsText(cluster),
        names: zone?.names.toLocaleString('en') ?? '0',
        ...(held === null ? {} : { 'held back': `${held.reason}; published in ${held.endsInSeconds} s at the latest` }),
      }).children,
    );
    $('frameworks').replaceChildren(...(cluster?.frameworks ?? []).slice(0, 20).map(frameworkLine));
    $('upstreams').replaceChildren(
      ...(upstreams.length === 0 ? [element('li', 'none asked yet')] : upstreams.map(upstreamLine)),
    );
  } catch {
    setHealth('the server does not answer', false);
  }
}

function agentsText({ agents, activeAgents, recoveredAgents }) {
  return `${agents} (${activeAgents} active${recoveredAgents > 0 ? `, ${recoveredAgents} expected back` : ''})`;
}

function frameworkLine({ name, active, tasks }) {
  const line = element('li');
  line.append(
    element('span', name),
    element('span', `${tasks.toLocaleString('en')} tasks${active ? '' : ', inactive'}`, active ? '' : 'bad'),
  );
  return line;
}

function upstreamLine({ name, healthy, requests }) {
  const line = element('li');
  line.append(
    element('span', name),
    element('span', healthy ? `${requests} asked` : 'failing', healthy ? 'good' : 'bad'),
  );
  return line;
}

function setHealth(text, isGood) {
  $('health').textContent = text;
  $('health').className = `badge ${isGood ? 'good' : 'bad'}`;
}

// --- live changes ---

let refreshing = null;

function follow() {
  const events = new EventSource('/v2/events');
  events.addEventListener('open', () => {
    $('live').textContent = 'live';
  });
  events.addEventListener('error', () => {
    $('live').textContent = 'not connected';
  });
  events.addEventListener('zone', ({ data }) => {
    const { serial, names, more } = JSON.parse(data);
    const what = names === null ? 'the whole zone' : names.slice(0, 5).join(', ');
    const rest = names === null ? 0 : Math.max(0, names.length - 5) + more;
    $('changes').prepend(
      element('li', `${new Date().toLocaleTimeString()} ${serial}: ${what}${rest > 0 ? ` and ${rest} more` : ''}`),
    );
    while ($('changes').children.length > CHANGES_MAX) $('changes').lastChild.remove();
    // Many changes in a row cost one look.
    if (refreshing !== null) return;
    refreshing = setTimeout(() => {
      refreshing = null;
      void showStatus();
      void search();
    }, 1000);
  });
}

$('search').addEventListener('input', () => void search());
$('search').focus();
void showStatus();
setInterval(() => void showStatus(), 10_000);
void search();
follow();
