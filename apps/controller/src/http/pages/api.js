/* global URLSearchParams, document */
import { call, element, onSignIn, say } from './client.js';

const pretty = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

function resolve(document, schema) {
  return schema?.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)] : schema;
}

/** A body to begin with: the fields that must be given, each with a value of its kind. */
function example(document, given) {
  const schema = resolve(document, given) ?? {};
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return example(document, schema.anyOf[0]);
  if (schema.type === 'array') return [example(document, schema.items)];
  if (schema.type === 'integer' || schema.type === 'number') return Math.max(schema.minimum ?? 0, 0);
  if (schema.type === 'boolean') return false;
  if (schema.type !== 'object') return '';
  const required = (schema.required ?? []).map((name) => [name, example(document, schema.properties[name])]);
  return Object.fromEntries(required);
}

function field(parameter) {
  const { name, required, description, schema } = parameter;
  const id = `field-${crypto.randomUUID()}`;
  const control = schema.enum
    ? element(
        'select',
        { id, name },
        element('option', { value: '' }, ''),
        ...schema.enum.map((each) => element('option', { value: each }, each)),
      )
    : element('input', { id, name, placeholder: schema.default === undefined ? '' : String(schema.default) });
  control.required = required;
  const label = element('label', { htmlFor: id }, element('code', {}, name), required ? '' : ' (may be left out)');
  return {
    parameter,
    control,
    row: element('div', { className: 'field' }, label, control, element('span', { className: 'dim' }, description)),
  };
}

function urlOf(path, fields) {
  let url = path;
  const query = new URLSearchParams();
  for (const { parameter, control } of fields) {
    if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(control.value));
    if (parameter.in === 'query' && control.value !== '') query.set(parameter.name, control.value);
  }
  return query.size > 0 ? `${url}?${query}` : url;
}

function bodyEditor(document, operation) {
  const schema = operation.requestBody?.content['application/json']?.schema;
  if (!schema) return { parts: [], text: () => undefined };
  const editor = element('textarea', {
    value: pretty(example(document, schema)),
    spellcheck: false,
    ariaLabel: 'Body',
  });
  const fields = element(
    'details',
    {},
    element('summary', {}, 'Fields of the body'),
    element('pre', {}, pretty(resolve(document, schema))),
  );
  return { parts: [editor, fields], text: () => editor.value };
}

/** What is to be filled in and sent for one operation; built when it is first opened. */
function form(document, { method, path, operation }) {
  const fields = (operation.parameters ?? []).filter((each) => each.in !== 'header').map(field);
  const body = bodyEditor(document, operation);
  const answer = element('pre', { hidden: true, tabIndex: 0 });
  const made = element(
    'form',
    {},
    ...fields.map(({ row }) => row),
    ...body.parts,
    element('p', {}, element('button', {}, 'Send')),
    answer,
  );
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    const url = urlOf(path, fields);
    answer.hidden = false;
    answer.textContent = `${method} ${url} …`;
    try {
      const { status, value } = await call(method, url, body.text());
      answer.textContent = `${method} ${url}\n${status}\n\n${pretty(value)}`;
    } catch (error) {
      answer.textContent = `${method} ${url}\n${error.message}`;
    }
  });
  return made;
}

function section(document, each) {
  const { method, path, operation } = each;
  const summary = element(
    'summary',
    {},
    element('span', { className: 'method' }, method),
    element('code', {}, path),
    ` ${operation.summary}`,
  );
  const made = element('details', { className: 'operation' }, summary);
  made.dataset.words = `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase();
  made.addEventListener('toggle', () => {
    if (!made.open || made.children.length > 1) return;
    const isStream = operation.operationId === 'event.stream';
    const inside = isStream ? element('p', {}, 'See it at work in the console.') : form(document, each);
    made.append(element('div', {}, element('p', { className: 'dim' }, operation.description ?? ''), inside));
  });
  return made;
}

function show(document_, container) {
  const operations = Object.entries(document_.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  for (const { name, description } of document_.tags) {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const heading = element('h2', {}, name, element('span', { className: 'dim' }, ` ${description}`));
    container.append(element('section', {}, heading, ...own.map((each) => section(document_, each))));
  }
}

function filter(container, words) {
  for (const each of container.querySelectorAll('.operation'))
    each.hidden = !words.every((word) => each.dataset.words.includes(word));
  for (const each of container.querySelectorAll('section'))
    each.hidden = each.querySelector('.operation:not([hidden])') === null;
}

const { value: openApi } = await call('GET', '/api/openapi.json');
const container = document.querySelector('#operations');
document.querySelector('#description').textContent = openApi.info.description;
show(openApi, container);
document
  .querySelector('#filter')
  .addEventListener('input', (event) =>
    filter(container, event.target.value.toLowerCase().split(/\s+/).filter(Boolean)),
  );

onSignIn(async () => {
  const { status, value } = await call('GET', '/api/v1/whoami');
  say(status === 200 ? `${value.name}, ${value.role}` : value.message);
});
