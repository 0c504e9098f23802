import { Module, type DynamicModule } from '@nestjs/common';
import { type ControllerProcess, controllerProcessToken, controllerProvider } from './controller-process';
import { HttpModule } from './http/http.module';
import type { ControllerSettings } from './settings';

/** The process with the brain in it, for the modules that are its faces. */
@Module({})
class ProcessModule {
  static with(settings: ControllerSettings, say: (message: string) => void): DynamicModule {
    return { module: ProcessModule, providers: [controllerProvider(settings, say)], exports: [controllerProcessToken] };
  }
}

/** What a controller is made of. */
@Module({})
export class AppModule {
  static with(settings: ControllerSettings, say: (message: string) => void): DynamicModule {
    const process = ProcessModule.with(settings, say);
    const http = HttpModule.with({
      imports: [process],
      inject: [controllerProcessToken],
      useFactory: ({ http: ports }: ControllerProcess) => ports,
    });
    return { module: AppModule, imports: [process, http] };
  }
}
