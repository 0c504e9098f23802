import {
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { apiPlugin } from './api-plugin';
import { defaultHttpLimits } from './limits';
import type { HttpPorts } from './ports';

const httpPorts = Symbol('HttpPorts');

type Given = Omit<HttpPorts, 'limits' | 'logError'> & Partial<Pick<HttpPorts, 'limits' | 'logError'>>;
export interface HttpModuleOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider<Given>, 'inject' | 'useFactory'> {}

/** REST, event stream, health, metrics and pages, on an adapter made by `createHttpAdapter`. */
@Module({})
export class HttpModule implements OnModuleInit {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost<FastifyAdapter>,
    @Inject(httpPorts) private readonly given: Given,
  ) {}

  static with({ imports = [], inject = [], useFactory }: HttpModuleOptions): DynamicModule {
    return { module: HttpModule, imports, providers: [{ provide: httpPorts, inject, useFactory }] };
  }

  async onModuleInit(): Promise<void> {
    const logger = new Logger('Http');
    const logError = (message: string, error: unknown) =>
      logger.error(message, error instanceof Error ? error.stack : String(error));
    const ports: HttpPorts = { limits: defaultHttpLimits, logError, ...this.given };
    ports.metrics.watch(ports.gateway);
    await this.host.httpAdapter.getInstance().register(apiPlugin(ports));
  }
}
