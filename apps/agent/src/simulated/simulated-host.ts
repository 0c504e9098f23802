import { join } from 'node:path';
import { peerAnswerSchema } from '@argosy/contracts/peer';
import type { FleetClock } from '@argosy/domain/fleet-clock';
import type { FleetRequest } from '@argosy/domain/fleet-request';
import type { HostCapacity } from '@argosy/domain/entities';
import type { PeerAnswer } from '@argosy/domain/peer-message';
import { accepted, refused, type Result } from '@argosy/domain/refusal';
import { targetOf, type PeerClient } from '@argosy/peer/peer-client';
import { PeerServer, type ShortCall } from '@argosy/peer/peer-server';
import type { AgentSurroundings } from '@argosy/simulator/model-agent';
import { ModelHost, usualHostTimes } from '@argosy/simulator/model-host';
import type { ModelSite } from '@argosy/simulator/model-machine';
import { modelCapabilities } from '@argosy/simulator/model-vmm';
import { Registration } from '../registration';
import type { Gate, Outside } from './outside';
import { PowerSwitch } from './power-switch';
import type { RealTime } from './real-time';

/** What all hosts of a process share. */
export interface SimulatedSite {
  readonly site: ModelSite;
  readonly time: RealTime;
  readonly clock: FleetClock;
  readonly outside: Outside;
  readonly peers: PeerClient;
  readonly gate: Gate;
  readonly queue: string;
  readonly poolName: string;
  readonly controllerUrls: readonly string[];
  readonly joinToken: string | null;
  readonly stateFolder: string;
  readonly listenAddress: string;
  readonly redisUrl: string | null;
  readonly capacity: HostCapacity;
  readonly controllerAnswers: () => boolean;
  readonly say: (message: string) => void;
  /** A host is refused for good: the process ends. */
  readonly fail: (error: unknown) => void;
}

/** Figures that nobody waits for are said about so often. */
const figuresEveryMs = 10_000;

/** One model host, joined to the real fleet: its registration, its power switch, and where its agent is asked directly. */
export class SimulatedHost {
  private model: ModelHost | null = null;
  private hostId = '';
  private readonly peerServer: PeerServer;
  private readonly registration: Registration;
  private power: PowerSwitch | null = null;
  private reply: ((result: Result<unknown>) => void) | null = null;
  private asking = false;

  constructor(
    readonly name: string,
    private readonly around: SimulatedSite,
  ) {
    const { controllerUrls, joinToken, clock, say } = around;
    this.registration = new Registration({ controllerUrls, joinToken, clock, say, stateFolder: this.folder });
    this.peerServer = new PeerServer(
      () => around.outside.keyOf(this.hostId),
      {
        answer: (call) => this.answerPeer(call),
        screen: async () => refused('no-screen', 'Simulated guests have no screen.'),
      },
      () => clock.now(),
    );
  }

  get folder(): string {
    return join(this.around.stateFolder, 'hosts', this.name);
  }

  get isRegistered(): boolean {
    return this.hostId !== '';
  }

  /** Its chassis and its address; the host is off until `powerOn`. */
  async open(): Promise<void> {
    const { site, capacity, poolName, queue, listenAddress } = this.around;
    const peerAddress = await this.peerServer.listen(listenAddress);
    const socket = join(this.folder, 'power.sock');
    const machine = site.addMachine(this.name, capacity);
    machine.powered = false;
    const registration = {
      hostName: this.name,
      poolName,
      peerAddress,
      queue,
      capacity,
      capabilities: modelCapabilities,
      fenceDevice: `chassis:${socket}`,
    };
    this.model = new ModelHost(machine, registration, this.surroundings(), { ...usualHostTimes, hostBootMs: 0 });
    this.power = new PowerSwitch(socket, this.model, () => this.around.time.catchUp());
    await this.power.listen();
  }

  powerOn(): void {
    this.model?.powerOn();
  }

  async close(): Promise<void> {
    this.power?.close();
    await this.peerServer.close();
  }

  private surroundings(): AgentSurroundings {
    const { site, outside, controllerAnswers } = this.around;
    return {
      clock: site.clock,
      bus: outside.busOf(() => this.hostId),
      figuresEveryMs,
      controllerAnswers,
      request: (_actor, request, reply) => this.request(request, reply),
      askPeer: (_from, address, request, deadlineMs, done) => {
        void this.around.peers.ask(targetOf(address, request), request, deadlineMs).then((given) => {
          const answer = peerAnswerSchema.safeParse(given);
          this.around.time.catchUp();
          done(answer.success ? answer.data : null);
        });
      },
    };
  }

  /** The agent asks again and again; the question goes out once, and whoever asked last is answered. */
  private request(request: FleetRequest, reply: (result: Result<unknown>) => void): void {
    if (request.kind !== 'host.register') return;
    this.reply = reply;
    if (this.asking) return;
    this.asking = true;
    const { gate, outside, time } = this.around;
    gate
      .pass(() => this.registration.register(request.registration))
      .then(({ assignments, hostKey, redisUrl }) => {
        this.hostId = assignments.hostId;
        outside.learnKey(assignments.hostId, hostKey);
        outside.open(this.around.redisUrl ?? redisUrl);
        // An agent that asks again until this moment is answered by it: a second question would make it a stranger to its answer.
        time.catchUp();
        this.asking = false;
        this.reply?.(accepted(assignments));
      }, this.around.fail);
  }

  private answerPeer(call: ShortCall): Promise<unknown> {
    const { time } = this.around;
    time.catchUp();
    const { model } = this;
    // A host without power, or without an agent, gives no answer.
    if (!model?.machine.powered || !model.agent) return Promise.reject(new Error(`${this.name} is off`));
    if (call.kind === 'grant') {
      const { agent } = model;
      return new Promise<PeerAnswer>((resolve) => agent.hearPeer(call, resolve));
    }
    if (call.kind === 'die' && call.what === 'agent') {
      model.killAgent();
      return Promise.resolve({});
    }
    const copy = model.machine.find({ guestId: call.guestId, epoch: call.epoch });
    if (!copy) return Promise.resolve(refused('guest-not-here', `${call.guestId} is not on ${this.name}`));
    if (call.kind === 'die') copy.die('crashed', 'killed by a drill');
    else if (call.kind === 'console-write') copy.consoleWrite(call.text);
    else return Promise.resolve(accepted({ text: copy.consoleText.slice(-call.maximumBytes) }));
    return Promise.resolve(call.kind === 'die' ? {} : accepted(null));
  }
}
