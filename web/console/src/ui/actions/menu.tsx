import type { ReactNode } from "react";
import {
  Menu as AriaMenu,
  MenuItem as AriaMenuItem,
  MenuTrigger,
} from "react-aria-components/Menu";
import { Popover } from "react-aria-components/Popover";
import styles from "./menu.module.css";

interface MenuEntry {
  key: string;
  text: string;
  icon?: ReactNode;
  onSelect: () => void;
}

interface MenuProps {
  /** The button that opens the menu. */
  button: ReactNode;
  label: string;
  /** What stands above the entries, for example whose menu it is. */
  head?: ReactNode;
  entries: readonly MenuEntry[];
}

/** A button with a menu. */
export function Menu({ button, label, head, entries }: MenuProps) {
  return (
    <MenuTrigger>
      {button}
      <Popover className={styles.popover ?? ""} placement="bottom end">
        {head !== undefined && <div className={styles.head}>{head}</div>}
        <AriaMenu className={styles.menu ?? ""} aria-label={label}>
          {entries.map(({ key, text, icon, onSelect }) => (
            <AriaMenuItem
              key={key}
              id={key}
              className={styles.item ?? ""}
              textValue={text}
              onAction={onSelect}
            >
              {icon}
              {text}
            </AriaMenuItem>
          ))}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
