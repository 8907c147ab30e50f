// Polish translations of frequent process sentences. tests/web/test_told_words.py checks that the code still has them.

import type { ToldSentence } from "../en/told";

export const told: readonly ToldSentence[] = [
  [/^((?:voice|vision|text)\.\w+): (.+)$/, "$1: {2}"],
  [/^no worker can do ([\w.]+)$/, "żaden worker nie wykonuje zadań $1"],
  [
    /^no (\w+) engine is installed \(pip install one, or name one in the setting (\S+) \(there is: (.+)\)\)$/,
    "nie ma zainstalowanego silnika $1 (zainstaluj go przez pip albo wskaż inny w ustawieniu $2, jest: $3)",
  ],
  [/^voice is not served: (.+)$/, "głos nie jest obsługiwany: {1}"],
  [/^vision is not back yet$/, "wzrok jeszcze nie wrócił"],
  [/^vision: (.+)$/, "wzrok: {1}"],
  [/^no picture has come from the camera for ([\d.]+) s$/, "od $1 s nie ma obrazu z kamery"],
  [/^no picture was analysed within ([\d.]+) s$/, "przez $1 s nie przeanalizowano żadnego obrazu"],
  [/^the camera shows the same picture for ([\d.]+) s$/, "kamera od $1 s pokazuje ten sam obraz"],
  [/^Redis has not answered for ([\d.]+) s$/, "Redis nie odpowiada od $1 s"],
  [/^not connected yet$/, "nie ma jeszcze połączenia"],
  [/^what we send does not come back from the robot's broker$/, "to, co wysyłamy, nie wraca od brokera robota"],
  [/^the robot's broker does not answer: (.+)$/, "broker robota nie odpowiada: {1}"],
  [/^(nothing .+) and (nothing .+)$/, "{1} i {2}"],
  [/^nothing of ours reaches the robot$/, "nic od nas nie dociera do robota"],
  [/^nothing comes in$/, "nic nie przychodzi"],
  [/^the PC can serve it again$/, "komputer znów może to obsługiwać"],
  [/^the robot could not be switched to (\w+): (.+)$/, "nie udało się przełączyć robota na $1: {2}"],
  [/^the robot has not answered yet; the link goes on trying$/, "robot jeszcze nie odpowiedział; link próbuje dalej"],
  [/^the robot does not answer: (.+)$/, "robot nie odpowiada: {1}"],
  [/^(\S+) is being opened, for (\d+) s now$/, "$1 otwiera się już od $2 s"],
  [/^(\S+) failed too often and is not called for another (\d+) s$/, "$1 zbyt często zawodzi i przez najbliższe $2 s nie będzie używany"],
  [/^switched off: (.+) \((.+)\)$/, "wyłączony: $1 ($2)"],
  [/^model '([^']+)' is not installed \((.+)\)$/, "model „$1” nie jest zainstalowany ($2)"],
  [/^model '([^']+)' is not installed$/, "model „$1” nie jest zainstalowany"],
];
