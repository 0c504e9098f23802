import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { agentModule, type AgentProcess, agentProcessToken } from './agent.module';
import { RegistrationRefused } from './registration';
import { readSettings } from './settings';

/** One line a message, with its time: for the chassis' log. */
function say(message: string): void {
  process.stdout.write(`${new Date().toISOString()} agent: ${message}\n`);
}

/** What cannot be mended by starting again, as sysexits' EX_CONFIG: the supervisor waits longer. */
const misconfigured = 78;

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const context = await NestFactory.createApplicationContext(agentModule(settings, say), { logger: ['error', 'warn'] });
  const agent = context.get<AgentProcess>(agentProcessToken);
  const end = (): void => {
    say('ending; the guests run on');
    void agent.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  await agent.start();
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  say(`cannot go on: ${message}`);
  process.exit(error instanceof RegistrationRefused ? misconfigured : 1);
});
