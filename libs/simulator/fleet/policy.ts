import type { Fleet } from './fleet';

/** What decides where guests run. It sees what has been measured, never what comes. */
export interface FleetPolicy {
  readonly name: string;
  /** The host on which a new guest starts; -1: none takes it. */
  place(fleet: Fleet, guest: number): number;
  /** Called at each step, when everything has been measured; `move` asks for a migration. */
  decide(fleet: Fleet, move: (guest: number, host: number) => void): void;
}
