import { useId, useMemo, useRef, useState, type KeyboardEvent, useEffect } from 'react';
import { useNavigate } from 'react-router';
import { find, type Found } from '../fleet/find';
import { useHasRead, useRows } from '../fleet/use-fleet';
import { StateLabel } from '../ui/state-label';

/** Guests, hosts and pools, from everywhere: "/" goes here. The arrows choose, Enter opens. */
export function Search() {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const navigate = useNavigate();
  const hasRead = useHasRead();
  const [pools, hosts, guests] = [useRows('pool'), useRows('host'), useRows('guest')];
  const found = useMemo(
    () => find({ pools: pools.values(), hosts: hosts.values(), guests: guests.values() }, text),
    [pools, hosts, guests, text],
  );
  useEffect(() => {
    const focus = (event: globalThis.KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== '/' || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', focus);
    return () => document.removeEventListener('keydown', focus);
  }, []);
  const open = ({ kind, id }: Found) => {
    setText('');
    input.current?.blur();
    void navigate(`/${kind}s/${id}`);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setChosen((at) => (at + step + found.length) % Math.max(found.length, 1));
    else if (event.key === 'Enter' && found[chosen]) open(found[chosen]);
    else if (event.key === 'Escape') setText('');
    else return;
    event.preventDefault();
  };
  const isOpen = text.trim() !== '';
  return (
    <div className="search">
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label="Search guests, hosts and pools"
        aria-expanded={isOpen}
        aria-controls={listId}
        aria-activedescendant={found[chosen] ? `${listId}-${chosen}` : undefined}
        placeholder="Search by name, address, id, state   ( / )"
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          setChosen(0);
        }}
        onKeyDown={onKey}
        onBlur={() => setTimeout(() => setText(''), 200)}
      />
      {/* It stands there closed as well: the field's aria-controls names it. */}
      <ul id={listId} role="listbox" aria-label="Found" className="search-found" hidden={!isOpen}>
        {found.map((each, index) => (
          <li
            key={each.id}
            id={`${listId}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerDown={(event) => {
              event.preventDefault();
              open(each);
            }}
          >
            <span className="quiet">{each.kind}</span> {each.name} <span className="quiet">{each.note}</span>
            <span className="spring" />
            {each.state !== '' && <StateLabel state={each.state} />}
          </li>
        ))}
        {found.length === 0 && (
          <li role="option" aria-selected={false} aria-disabled className="quiet">
            {hasRead ? 'Nothing has this in its name, address, id or state.' : 'The fleet is being read.'}
          </li>
        )}
      </ul>
    </div>
  );
}
