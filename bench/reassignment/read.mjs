// Reads a machine reassignment instance: white-space separated non-negative integers, in the order of the challenge's
// problem statement. What is wrong in a file is told with its line and with what was expected there.

import { readFileSync } from 'node:fs';

/** @typedef {import('../../libs/scheduler/model/model.js').ModelDescription} ModelDescription */

export class BadInstance extends Error {}

/** Sums and products of what is read must stay exact in a double. */
const largestNumber = 2 ** 31 - 1;

class Numbers {
  #bytes;
  #file;
  #place = 0;

  /** @param {string} file */
  constructor(file) {
    this.#file = file;
    this.#bytes = readFileSync(file);
  }

  /**
   * @param {string} expected what stands here
   * @param {number} [largest]
   * @returns {number}
   */
  next(expected, largest = largestNumber) {
    const bytes = this.#bytes;
    let place = this.#place;
    while (place < bytes.length && /** @type {number} */ (bytes[place]) <= 32) place++;
    this.#place = place;
    let value = 0;
    for (;;) {
      const digit = /** @type {number} */ (bytes[place]) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      place++;
    }
    const isWhole = place > this.#place && (place >= bytes.length || /** @type {number} */ (bytes[place]) <= 32);
    if (!isWhole || value > largest) this.#refuse(expected, largest);
    this.#place = place;
    return value;
  }

  /** @param {string} afterWhat */
  end(afterWhat) {
    while (this.#place < this.#bytes.length && /** @type {number} */ (this.#bytes[this.#place]) <= 32) this.#place++;
    if (this.#place < this.#bytes.length)
      throw new BadInstance(`${this.#where()}: ${this.#word()} follows ${afterWhat}; nothing should`);
  }

  /**
   * @param {string} expected
   * @param {number} largest
   * @returns {never}
   */
  #refuse(expected, largest) {
    const range = largest === largestNumber ? 'a non-negative integer' : `an integer from 0 to ${largest}`;
    throw new BadInstance(`${this.#where()}: ${this.#word()} where ${expected} should be, ${range}`);
  }

  #where() {
    const line = this.#bytes.subarray(0, this.#place).toString('latin1').split('\n').length;
    return `${this.#file}, line ${line}`;
  }

  #word() {
    const rest = this.#bytes.subarray(this.#place, this.#place + 40).toString('latin1');
    const word = /^\S*/.exec(rest)?.[0] ?? '';
    return word === '' ? 'the file ends' : `"${word}"`;
  }
}

/**
 * Tables lie in shared memory: the workers look at the same ones.
 * @param {number} length
 */
const sharedInt32 = (length) => new Int32Array(new SharedArrayBuffer(4 * length));
/** @param {number} length */
const sharedFloat64 = (length) => new Float64Array(new SharedArrayBuffer(8 * length));

/** Most of what is counted; a table of more would not fit in memory. */
const mostRows = 1_000_000;

/**
 * @param {string} modelFile
 * @param {string} assignmentFile
 * @returns {ModelDescription}
 */
export function readInstance(modelFile, assignmentFile) {
  const numbers = new Numbers(modelFile);
  const resources = readRows(numbers.next('the number of resources', 1000), (index) => ({
    isTransient: numbers.next(`resource ${index}'s being transient`, 1) === 1,
    loadWeight: numbers.next(`resource ${index}'s load weight`),
  }));
  const hosts = readHosts(numbers, resources.length);
  const groups = readGroups(numbers);
  const items = readItems(numbers, { resources: resources.length, groups: groups.groups });
  const lastResource = resources.length - 1;
  const balances = readRows(numbers.next('the number of balance terms', 10_000), (index) => ({
    first: numbers.next(`balance ${index}'s first resource`, lastResource),
    second: numbers.next(`balance ${index}'s second resource`, lastResource),
    target: numbers.next(`balance ${index}'s target`),
    weight: numbers.next(`balance ${index}'s weight`),
  }));
  const weights = {
    itemMoveWeight: numbers.next('the weight of process moves'),
    groupMoveWeight: numbers.next('the weight of service moves'),
    hostMoveWeight: numbers.next('the weight of machine moves'),
  };
  numbers.end('the weights');
  const placement = readAssignment(assignmentFile, items.items, hosts.hosts);
  return { resources, ...hosts, ...groups, ...items, balances, ...weights, placement };
}

/**
 * @param {string} file
 * @param {number} items
 * @param {number} hosts
 */
export function readAssignment(file, items, hosts) {
  const numbers = new Numbers(file);
  const placement = sharedInt32(items);
  for (let item = 0; item < items; item++) placement[item] = numbers.next(`process ${item}'s machine`, hosts - 1);
  numbers.end(`the machines of ${items} processes`);
  return placement;
}

/**
 * @template Row
 * @param {number} count
 * @param {(index: number) => Row} read
 * @returns {Row[]}
 */
function readRows(count, read) {
  const rows = [];
  for (let index = 0; index < count; index++) rows.push(read(index));
  return rows;
}

/**
 * @param {Numbers} numbers
 * @param {number} resources
 */
function readHosts(numbers, resources) {
  const hosts = numbers.next('the number of machines', 20_000);
  const [neighbourhoodOf, locationOf] = [sharedInt32(hosts), sharedInt32(hosts)];
  const [capacity, safetyCapacity] = [sharedFloat64(hosts * resources), sharedFloat64(hosts * resources)];
  const hostMoveCost = sharedInt32(hosts * hosts);
  for (let host = 0; host < hosts; host++) {
    neighbourhoodOf[host] = numbers.next(`machine ${host}'s neighbourhood`, mostRows);
    locationOf[host] = numbers.next(`machine ${host}'s location`, mostRows);
    for (const [table, name] of /** @type {const} */ ([
      [capacity, 'capacity'],
      [safetyCapacity, 'safety capacity'],
    ]))
      for (let resource = 0; resource < resources; resource++)
        table[host * resources + resource] = numbers.next(`machine ${host}'s ${name} of resource ${resource}`);
    const expected = `machine ${host}'s move costs to ${hosts} machines`;
    for (let other = 0; other < hosts; other++) hostMoveCost[host * hosts + other] = numbers.next(expected);
  }
  return { hosts, neighbourhoodOf, locationOf, capacity, safetyCapacity, hostMoveCost };
}

/** @param {Numbers} numbers */
function readGroups(numbers) {
  const groups = numbers.next('the number of services', mostRows);
  const [spreadMinimum, dependencyStart] = [sharedInt32(groups), sharedInt32(groups + 1)];
  const dependencies = [];
  for (let group = 0; group < groups; group++) {
    spreadMinimum[group] = numbers.next(`service ${group}'s smallest spread`);
    const count = numbers.next(`service ${group}'s number of dependencies`, groups);
    for (let index = 0; index < count; index++)
      dependencies.push(numbers.next(`service ${group}'s dependency ${index}`, groups - 1));
    dependencyStart[group + 1] = dependencies.length;
  }
  return { groups, spreadMinimum, dependencyStart, dependencies: Int32Array.from(dependencies) };
}

/**
 * @param {Numbers} numbers
 * @param {{ resources: number, groups: number }} counts
 */
function readItems(numbers, { resources, groups }) {
  const items = numbers.next('the number of processes', mostRows);
  const [groupOf, demand, itemMoveCost] = [sharedInt32(items), sharedFloat64(items * resources), sharedFloat64(items)];
  for (let item = 0; item < items; item++) {
    groupOf[item] = numbers.next(`process ${item}'s service`, groups - 1);
    const expected = `process ${item}'s requirements of ${resources} resources`;
    for (let resource = 0; resource < resources; resource++)
      demand[item * resources + resource] = numbers.next(expected);
    itemMoveCost[item] = numbers.next(`process ${item}'s move cost`);
  }
  return { items, groupOf, demand, itemMoveCost };
}
