import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import { useState } from 'react';

export interface Action {
  readonly title: string;
  readonly isDangerous?: boolean;
  /** Why it cannot be done now; it is shown, and not done. */
  readonly because?: string | null;
  readonly run: () => void;
}

/** What may be done with a thing. What a role does not allow is not in it. */
export function ActionMenu({ title, actions }: { readonly title: string; readonly actions: readonly Action[] }) {
  const [isOpen, setIsOpen] = useState(false);
  if (actions.length === 0) return null;
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: 'right' }}
      toggle={(ref) => (
        <MenuToggle ref={ref} variant="secondary" isExpanded={isOpen} onClick={() => setIsOpen((is) => !is)}>
          {title}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {actions.map(({ title: name, isDangerous = false, because = null, run }) => (
          <DropdownItem
            key={name}
            isDanger={isDangerous}
            isAriaDisabled={because !== null}
            {...(because === null ? {} : { description: because })}
            onClick={because === null ? run : () => undefined}
          >
            {name}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
