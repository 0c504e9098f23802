import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { keyOfAddress, type TreeNode, treeLines, type TreeTurn } from '../fleet/tree';
import { useNamed } from '../fleet/use-fleet';
import { statusOf } from '../ui/state-label';

const lineHeight = 28;

/** Hosts, pools and guests, as many as there are: only lines that are seen are drawn. The arrows go through it. */
export function Tree({ turn }: { readonly turn: TreeTurn }) {
  const [pools, hosts, guests] = [useNamed('pool'), useNamed('host'), useNamed('guest')];
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const currentKey = useMemo(
    () => keyOfAddress(pathname, { pool: pools, host: hosts, guest: guests }),
    [pathname, pools, hosts, guests],
  );
  // Pools stand open; so do hosts, while they are few.
  const open = useMemo(() => {
    const keys = new Set(pools.map(({ id: poolId }) => `pool:${poolId}`));
    if (hosts.length <= 8) for (const host of hosts) keys.add(`host:${host.id}`);
    for (const key of opened) keys.add(key);
    for (const key of closed) keys.delete(key);
    return keys;
  }, [pools, hosts, opened, closed]);
  const lines = useMemo(() => treeLines({ pools, hosts, guests }, turn, open), [pools, hosts, guests, turn, open]);
  const [focused, setFocused] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const hasFocus = useRef(false);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 10,
  });
  const at = Math.min(focused, lines.length - 1);
  useEffect(() => {
    if (hasFocus.current) scroller.current?.querySelector<HTMLElement>(`[data-index="${at}"]`)?.focus();
  }, [at, lines]);
  const toggle = ({ key, isOpen }: TreeNode, wanted = !isOpen) => {
    if (isOpen === null) return;
    const change = (set: ReadonlySet<string>, isIn: boolean) => {
      const next = new Set(set);
      if (isIn) next.add(key);
      else next.delete(key);
      return next;
    };
    setOpened((set) => change(set, wanted));
    setClosed((set) => change(set, !wanted));
  };
  const goTo = (index: number) => {
    const target = Math.max(0, Math.min(lines.length - 1, index));
    virtualizer.scrollToIndex(target);
    setFocused(target);
  };
  const parentOf = (index: number) => {
    for (let above = index - 1; above >= 0; above--) if (lines[above]!.level < lines[index]!.level) return above;
    return index;
  };
  const onKey = (event: KeyboardEvent) => {
    const node = lines[at];
    if (node === undefined) return;
    const deeds: Readonly<Record<string, () => void>> = {
      ArrowDown: () => goTo(at + 1),
      ArrowUp: () => goTo(at - 1),
      Home: () => goTo(0),
      End: () => goTo(lines.length - 1),
      ArrowRight: () => (node.isOpen === false ? toggle(node, true) : goTo(node.isOpen ? at + 1 : at)),
      ArrowLeft: () => (node.isOpen ? toggle(node, false) : goTo(parentOf(at))),
      Enter: () => (node.to === null ? toggle(node) : void navigate(node.to)),
    };
    const deed = deeds[event.key];
    if (deed === undefined) return;
    event.preventDefault();
    deed();
  };
  if (lines.length === 0) return <p className="quiet tree-none">Pools, hosts and guests appear here.</p>;
  return (
    <div
      ref={scroller}
      className="tree-scroller"
      onKeyDown={onKey}
      onFocus={() => (hasFocus.current = true)}
      onBlur={() => (hasFocus.current = false)}
    >
      <div role="tree" aria-label="Inventory" style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const node = lines[index]!;
          return (
            <div
              key={node.key}
              data-index={index}
              role="treeitem"
              aria-level={node.level}
              aria-expanded={node.isOpen ?? undefined}
              aria-selected={node.key === currentKey}
              aria-label={node.state === '' ? node.name : `${node.name}, ${node.state}`}
              tabIndex={index === at ? 0 : -1}
              className={`tree-line ${node.key === currentKey ? 'is-current' : ''}`}
              style={{ transform: `translateY(${start}px)`, paddingLeft: node.level * 16 }}
              onClick={() => {
                setFocused(index);
                if (node.to === null) toggle(node);
                else void navigate(node.to);
              }}
            >
              <span
                className="tree-arrow"
                aria-hidden="true"
                onClick={(event) => {
                  event.stopPropagation();
                  toggle(node);
                }}
              >
                {node.isOpen === null ? '' : node.isOpen ? '▾' : '▸'}
              </span>
              {node.state !== '' && <span className={`dot is-${statusOf(node.state)}`} aria-hidden="true" />}
              <span className="tree-name">{node.name}</span>
              {node.isOpen === false && <span className="quiet">{node.childCount}</span>}
            </div>
          );
        })}
      </div>
    </div>
  );
}
