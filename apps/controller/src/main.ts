import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { type ControllerProcess, controllerProcessToken } from './controller-process';
import { createHttpAdapter } from './http/adapter';
import { defaultHttpLimits } from './http/limits';
import { readSettings } from './settings';

function say(message: string): void {
  process.stdout.write(`${new Date().toISOString()} controller: ${message}\n`);
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(settings, say),
    createHttpAdapter(defaultHttpLimits),
    {
      logger: ['error', 'warn'],
      bodyParser: false,
      // What cannot be opened is said by main, in a sentence.
      abortOnError: false,
    },
  );
  const controller = app.get<ControllerProcess>(controllerProcessToken);
  const end = (): void => void controller.stop().then(() => process.exit(0));
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  await app.listen(settings.port, settings.listenAddress);
  const url = `http://${settings.listenAddress}:${boundPort(app)}`;
  await controller.start(url);
  say(`listening on ${url}`);
}

function boundPort(app: NestFastifyApplication): number {
  const address = app.getHttpAdapter().getInstance().server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

main().catch((error: unknown) => {
  say(`cannot go on: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
