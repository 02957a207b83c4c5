// Puts the page together. Nothing is global; what tests and user styles may
// rely on are these ids and data attributes:
//
//   #messages li[data-offset]       a stored message; also [data-state=waiting|stored|failed] for own
//                                   ones on their way, class "own" for those of this tab
//   #composer #text #send           the form, its field and its button; #limit tells of too long texts
//   #name                           the reader's name
//   #room[data-room]                the present room; opens #room-dialog (#room-field, #room-link)
//   #members                        how many are in the room
//   #status[data-state]             connecting | connected | waiting | offline | refused; #reconnect
//   #newer                          goes to messages below; hidden while there are none
//   #drop                           the place to drop; files may be dropped anywhere
//   #pick #photograph               file inputs
//   #camera                         starts and stops the live camera: #live[data-state=starting|running|failed],
//                                   canvases #live-original and #live-negative, #live-rate, #live-latency,
//                                   #live-words, #live-stop
//   .negative-card[data-state]      queued | sent | done | failed (then [data-code]); in it
//                                   img.original, img.negative, [role=slider], .share, .remove
//   #theme, html[data-theme]        light | dark; absent while the system's scheme holds

import { startCamera } from "./camera.js";
import { Chat } from "./chat.js";
import { startComposer } from "./composer.js";
import { notice } from "./dom.js";
import { startIntake } from "./intake.js";
import { DEFAULT_ROOM, addressOfRoom, rememberRoom, rememberedName, roomFault, roomOfAddress } from "./names.js";
import { showRoom, startNameField, startRoomDialog } from "./rooms.js";
import { share } from "./share.js";
import { Table } from "./table.js";
import { startTheme } from "./theme.js";
import { showView, startViews } from "./views.js";

startTheme();
startViews();
startCamera();

const chat = new Chat();
const table = new Table(async (original) => {
  const { room } = chat;
  const { offset } = await share(room, chat.name, original);
  if (room === chat.room) chat.expectOwn(offset);
});

function enterRoomOfAddress() {
  let room = roomOfAddress();
  const fault = roomFault(room);
  if (fault !== null) {
    notice(`${fault} You are in the ${DEFAULT_ROOM} instead.`);
    room = DEFAULT_ROOM;
    history.replaceState(null, "", addressOfRoom(room));
  }
  rememberRoom(room);
  showRoom(room);
  chat.enter(room, rememberedName());
}

startComposer((text) => chat.say(text));
startNameField((name) => chat.rename(name));
startRoomDialog((room) => {
  history.pushState(null, "", addressOfRoom(room));
  enterRoomOfAddress();
});
startIntake((files) => {
  showView("table");
  table.take(files);
});
addEventListener("popstate", enterRoomOfAddress);
enterRoomOfAddress();
