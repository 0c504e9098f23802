// An agent that takes a job and is killed before it has journalled it.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [url, queue] = process.argv.slice(2);
const connection = new Redis(url ?? '', { maxRetriesPerRequest: null });
new Worker(queue ?? '', () => {
  process.send?.('taken');
  return new Promise(() => {});
}, { connection, lockDuration: 5000, stalledInterval: 2000 }); // prettier-ignore
