import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import type { HostUsage } from '@argosy/contracts/responses';
import { hostState } from '../fleet/host-states';
import { type Box, between, holds, layOut, marksIn, type Picture } from '../fleet/picture';
import { compareNames, type Guest, type Host, type Migration, type Pool } from '../fleet/rows';
import { useIsDark } from '../frame/theme';
import { count, mebibytes, percent } from '../ui/format';
import { statusOf } from '../ui/state-label';

const palettes = {
  light: {
    text: '#151515',
    quiet: '#4d4d4d',
    cell: '#ffffff',
    edge: '#a3a3a3',
    load: [224, 240, 255, 0, 90, 180],
    bad: '#b1380b',
    success: '#3d7317',
    info: '#0066cc',
    warning: '#b98412',
    danger: '#b1380b',
    quietMark: '#8f8f8f',
    custom: '#0066cc',
    move: '#5e40be',
  },
  dark: {
    text: '#ffffff',
    quiet: '#c7c7c7',
    cell: '#292929',
    edge: '#707070',
    load: [40, 58, 80, 70, 150, 240],
    bad: '#f0561d',
    success: '#87bb62',
    info: '#92c5f9',
    warning: '#dca614',
    danger: '#f0561d',
    quietMark: '#a3a3a3',
    custom: '#92c5f9',
    move: '#b6a6e9',
  },
} as const;
type Palette = (typeof palettes)[keyof typeof palettes];

export interface FleetView {
  readonly pools: readonly Pool[];
  readonly hosts: ReadonlyMap<string, Host>;
  readonly guests: ReadonlyMap<string, Guest>;
  readonly migrations: readonly Migration[];
  readonly usage: ReadonlyMap<string, HostUsage>;
}

/** The load of a host, 0 to 1, by the processors that it was last heard to use. */
export const loadOf = (usage: HostUsage | undefined): number =>
  usage === undefined ? 0 : Math.min(1, usage.cpuMillicores / Math.max(1, usage.capacity.cpuMillicores));

interface Scene {
  readonly picture: Picture;
  readonly view: FleetView;
  readonly guestsOf: ReadonlyMap<string, readonly Guest[]>;
  readonly chosen: string | null;
}

export function FleetCanvas({ view }: { readonly view: FleetView }) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState({ width: 0, height: 500 });
  const [chosen, setChosen] = useState<string | null>(null);
  const isDark = useIsDark();
  const navigate = useNavigate();
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize({ width: entry.contentRect.width, height: Math.max(320, innerHeight - 330) });
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  const picture = useMemo(() => pictureOf(view, size), [view.pools, view.hosts, size]);
  const guestsOf = useMemo(() => guestsByHost(view.guests), [view.guests]);
  const scene = useRef<Scene>({ picture, view, guestsOf, chosen });
  scene.current = { picture, view, guestsOf, chosen };
  const isMoving = view.migrations.length > 0;

  // Drawn when something has changed, and for each frame while a guest is on its way.
  useEffect(() => {
    let request = 0;
    const draw = () => {
      paint(canvas.current!, scene.current, isDark ? palettes.dark : palettes.light);
      if (isMoving) request = requestAnimationFrame(draw);
    };
    request = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(request);
  }, [picture, view, guestsOf, chosen, isDark, isMoving]);

  const hostAt = (event: PointerEvent) => {
    const { left, top } = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    for (const [id, box] of picture.hosts) if (holds(box, x, y)) return { id, x, y };
    return null;
  };
  const open = (event: PointerEvent) => {
    const found = hostAt(event);
    if (found === null) return;
    const guests = guestsOf.get(found.id) ?? [];
    const marks = marksIn(picture.hosts.get(found.id)!, guests.length);
    const guest = guests[marks.findIndex((mark) => holds(mark, found.x, found.y))];
    void navigate(guest ? `/guests/${guest.id}` : `/hosts/${found.id}`);
  };
  const onKey = (event: KeyboardEvent) => {
    const ids = [...picture.hosts.keys()];
    const at = chosen === null ? -1 : ids.indexOf(chosen);
    const first = picture.hosts.get(ids[0] ?? '')?.y;
    const columns = Math.max(1, [...picture.hosts.values()].filter(({ y }) => y === first).length);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step !== undefined) setChosen(ids[Math.max(0, Math.min(ids.length - 1, at < 0 ? 0 : at + step))] ?? null);
    else if (event.key === 'Enter' && chosen !== null) void navigate(`/hosts/${chosen}`);
    else if (event.key === 'Escape') setChosen(null);
    else return;
    event.preventDefault();
  };
  const host = chosen === null ? undefined : view.hosts.get(chosen);
  const box = chosen === null ? undefined : picture.hosts.get(chosen);
  return (
    <div className="fleet-picture" ref={frame}>
      <canvas
        ref={canvas}
        style={{ width: size.width, height: picture.height }}
        tabIndex={0}
        role="application"
        aria-label="Picture of the fleet. The arrows choose a host, Enter opens it."
        aria-describedby="fleet-chosen"
        onPointerMove={(event) => setChosen(hostAt(event)?.id ?? null)}
        onPointerLeave={() => setChosen(null)}
        onClick={(event) => open(event as unknown as PointerEvent)}
        onKeyDown={onKey}
      />
      <div
        id="fleet-chosen"
        className="fleet-tip"
        aria-live="polite"
        hidden={host === undefined}
        style={box ? { left: Math.min(box.x, Math.max(0, size.width - 260)), top: box.y + box.height + 6 } : {}}
      >
        {host && <Tip host={host} guests={guestsOf.get(host.id) ?? []} usage={view.usage.get(host.id)} />}
      </div>
    </div>
  );
}

const namedGuests = 12;

function Tip({ host, guests, usage }: { host: Host; guests: readonly Guest[]; usage: HostUsage | undefined }) {
  const memory = guests.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const names = guests.slice(0, namedGuests).map(({ name }) => name);
  return (
    <>
      <strong>{host.name}</strong> {host.maintenance === 'none' ? hostState(host) : `${host.maintenance} maintenance`}
      <br />
      Processors {percent(loadOf(usage))}, memory {mebibytes(memory)} of {mebibytes(host.capacity.memoryMiB)}
      <br />
      {guests.length === 0 ? 'No guests' : names.join(', ')}
      {guests.length > namedGuests ? ` and ${guests.length - namedGuests} more` : ''}
    </>
  );
}

function pictureOf({ pools, hosts }: FleetView, { width, height }: { width: number; height: number }): Picture {
  const all = [...hosts.values()].sort((one, other) => compareNames(one.name, other.name));
  const pooled = pools.map(({ id, name }) => ({
    id,
    name,
    hostIds: all.filter(({ poolId }) => poolId === id).map((host) => host.id),
  }));
  return layOut(pooled, width, height);
}

function guestsByHost(guests: ReadonlyMap<string, Guest>): ReadonlyMap<string, readonly Guest[]> {
  const groups = new Map<string, Guest[]>();
  for (const guest of guests.values()) {
    if (guest.hostId === null) continue;
    const group = groups.get(guest.hostId);
    if (group) group.push(guest);
    else groups.set(guest.hostId, [guest]);
  }
  for (const group of groups.values()) group.sort((one, other) => compareNames(one.name, other.name));
  return groups;
}

function paint(canvas: HTMLCanvasElement, scene: Scene, palette: Palette): void {
  const { picture, view, guestsOf, chosen } = scene;
  const scale = devicePixelRatio;
  const width = canvas.clientWidth;
  const [pixelWidth, pixelHeight] = [Math.round(width * scale), Math.round(picture.height * scale)];
  if (canvas.width !== pixelWidth || canvas.height !== pixelHeight)
    Object.assign(canvas, { width: pixelWidth, height: pixelHeight });
  const context = canvas.getContext('2d')!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, picture.height);
  context.textBaseline = 'middle';
  const { fontFamily } = getComputedStyle(canvas);
  for (const pool of picture.pools) {
    context.font = `600 14px ${fontFamily}`;
    context.fillStyle = palette.text;
    const hosts = pool.hostIds.length;
    context.fillText(`${pool.name}  ·  ${count(hosts, 'host')}`, pool.x, pool.y + 12);
  }
  for (const [id, box] of picture.hosts) {
    const host = view.hosts.get(id);
    if (host)
      paintHost(context, {
        host,
        box,
        palette,
        guests: guestsOf.get(id) ?? [],
        load: loadOf(view.usage.get(id)),
        isChosen: id === chosen,
        fontFamily,
      });
  }
  const now = performance.now();
  for (const { sourceHostId, targetHostId } of view.migrations) {
    const [from, to] = [picture.hosts.get(sourceHostId), picture.hosts.get(targetHostId)];
    if (from && to && from !== to) paintMove(context, { from, to, now, palette });
  }
}

interface HostPainting {
  readonly host: Host;
  readonly box: Box;
  readonly guests: readonly Guest[];
  readonly load: number;
  readonly palette: Palette;
  readonly isChosen: boolean;
  readonly fontFamily: string;
}

function paintHost(
  context: CanvasRenderingContext2D,
  { host, box, guests, load, palette, isChosen, fontFamily }: HostPainting,
): void {
  const isUp = host.state === 'online' || host.state === 'suspect';
  const [r1, g1, b1, r2, g2, b2] = palette.load;
  const mix = (low: number, high: number) => Math.round(low + (high - low) * load * 0.75);
  context.fillStyle = isUp ? `rgb(${mix(r1, r2)},${mix(g1, g2)},${mix(b1, b2)})` : palette.cell;
  context.fillRect(box.x, box.y, box.width, box.height);
  const status = statusOf(hostState(host));
  context.lineWidth = isChosen ? 3 : status === 'success' ? 1 : 2;
  context.strokeStyle = isChosen
    ? palette.text
    : status === 'success'
      ? palette.edge
      : status === 'quiet'
        ? palette.quietMark
        : palette[status];
  context.strokeRect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
  if (!isUp) {
    context.beginPath();
    // Below its name, where there is room for one.
    const top = box.y + (box.height > 60 ? 28 : 0);
    context.moveTo(box.x, top);
    context.lineTo(box.x + box.width, box.y + box.height);
    context.moveTo(box.x + box.width, top);
    context.lineTo(box.x, box.y + box.height);
    context.stroke();
  }
  if (box.height > 60) {
    const isDeep = isUp && load > 0.55 && palette === palettes.light;
    context.fillStyle = isDeep ? '#ffffff' : palette.text;
    context.font = `600 13px ${fontFamily}`;
    context.fillText(host.name, box.x + 8, box.y + 16, box.width - 60);
    context.textAlign = 'right';
    context.font = `12px ${fontFamily}`;
    context.fillText(isUp ? percent(load) : host.state, box.x + box.width - 8, box.y + 16);
    context.textAlign = 'left';
  }
  marksIn(box, guests.length).forEach((mark, index) => {
    const own = statusOf(guests[index]!.state);
    context.fillStyle = own === 'quiet' ? palette.quietMark : palette[own];
    context.fillRect(mark.x, mark.y, mark.width, mark.height);
    if (mark.width < 5) return;
    context.strokeStyle = palette.cell;
    context.lineWidth = 1;
    context.strokeRect(mark.x + 0.5, mark.y + 0.5, mark.width - 1, mark.height - 1);
  });
}

const moveMs = 1400;

function paintMove(
  context: CanvasRenderingContext2D,
  { from, to, now, palette }: { from: Box; to: Box; now: number; palette: Palette },
): void {
  context.strokeStyle = palette.move;
  context.lineWidth = 2;
  context.beginPath();
  for (let step = 0; step <= 20; step++) {
    const { x, y } = between(from, to, step / 20);
    if (step === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
  context.stroke();
  const { x, y } = between(from, to, (now % moveMs) / moveMs);
  context.fillStyle = palette.move;
  context.beginPath();
  context.arc(x, y, 6, 0, 2 * Math.PI);
  context.fill();
}
