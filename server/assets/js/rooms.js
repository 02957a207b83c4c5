// The room dialog and the name field: where the reader is and who they are.
// Reports choices; entering and renaming is somebody else's.

import { byId, copyText, element, notice } from "./dom.js";
import { addressOfRoom, nameFault, recentRooms, rememberName, rememberedName, roomFault } from "./names.js";

/** @param {(room: string) => void} onChoose */
export function startRoomDialog(onChoose) {
  const dialog = byId("room-dialog");
  const field = byId("room-field");
  const fault = byId("room-fault");

  const choose = (room) => {
    dialog.close();
    onChoose(room);
  };

  byId("room").addEventListener("click", () => {
    field.value = "";
    fault.textContent = "";
    byId("room-link").value = addressOfRoom(byId("room").dataset.room);
    listRecent(choose);
    dialog.showModal();
  });
  byId("room-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const room = field.value.trim().normalize("NFC");
    fault.textContent = roomFault(room) ?? "";
    if (fault.textContent === "") choose(room);
  });
  byId("room-close").addEventListener("click", () => dialog.close());
  // A click on the backdrop hits the dialog itself, one inside hits its content.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  byId("copy-link").addEventListener("click", async () => {
    const link = byId("room-link");
    const copied = await copyText(link.value);
    link.select();
    byId("copy-link").textContent = copied ? "Copied" : "Press Ctrl+C";
    setTimeout(() => {
      byId("copy-link").textContent = "Copy link";
    }, 2_000);
  });
}

/** @param {string} room */
export function showRoom(room) {
  const button = byId("room");
  button.dataset.room = room;
  byId("room-name").textContent = room;
  button.setAttribute("aria-label", `Room ${room}: switch room or copy its link`);
}

/** @param {(name: string) => void} onRename */
export function startNameField(onRename) {
  const field = byId("name");
  let present = rememberedName();
  field.value = present;
  field.addEventListener("change", () => {
    const name = field.value.trim();
    const fault = nameFault(name);
    if (fault !== null) {
      notice(fault);
      field.value = present;
    } else if (name !== present) {
      present = name;
      rememberName(name);
      onRename(name);
    }
    field.value = present;
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    // Leaving the field is what makes it report a change.
    byId("text").focus();
  });
}

function listRecent(choose) {
  const list = byId("recent-rooms");
  const rooms = recentRooms().filter((room) => room !== byId("room").dataset.room);
  byId("recent").hidden = rooms.length === 0;
  list.replaceChildren(
    ...rooms.map((room) => {
      const item = element("li", "");
      const button = element("button", "chip", `#${room}`);
      button.type = "button";
      button.addEventListener("click", () => choose(room));
      item.append(button);
      return item;
    }),
  );
}
