import { area } from "../area";

/** What keeps figures from being whole, and how long it takes. */
const keepsFrom = area("recovery", {
  storeFull: ["Records can't be stored: {why}. Collection waits and goes on by itself.", "无法存储记录：{why}。采集已暂停，恢复后会自动继续。", "無法儲存記錄：{why}。收集已暫停，恢復後會自動繼續。", "Записи не сохраняются: {why}. Сбор ждёт и продолжится сам."],
  dataKey: ["The data key is lost or another one: saved secrets can't be read. Put the key back, or enter CPA's management key anew.", "数据密钥丢失或不匹配：无法读取已保存的机密。请恢复密钥，或重新输入 CPA 管理密钥。", "資料金鑰遺失或不符：無法讀取已儲存的機密。請還原金鑰，或重新輸入 CPA 管理金鑰。", "Ключ данных утерян или другой: сохранённые секреты не читаются. Верните ключ или введите ключ управления CPA заново."],
  banned: ["CPA has banned the Manager's address.", "CPA 已封禁 Manager 的地址。", "CPA 已封鎖 Manager 的位址。", "CPA заблокировал адрес менеджера."],
  refused: ["CPA does not accept the management key.", "CPA 不接受管理密钥。", "CPA 不接受管理金鑰。", "CPA не принимает ключ управления."],
  left: ["Next try in {time}.", "{time}后重试。", "{time}後重試。", "Следующая попытка через {time}."],
  reading: ["still being read: {rows} of {of}", "仍在读取：{rows} / {of}", "仍在讀取：{rows} / {of}", "ещё читается: {rows} из {of}"],
  rebuilding: ["Records are being read again ({rows} of {of}): figures are not whole yet.", "正在重新读取记录（{rows} / {of}）：数据尚不完整。", "正在重新讀取記錄（{rows} / {of}）：資料尚不完整。", "Записи читаются заново ({rows} из {of}): данные пока неполны."],
  takeover: ["History is being taken over ({read} of {of}): totals still grow.", "正在迁入历史记录（{read} / {of}）：总数仍会增加。", "正在移轉歷史記錄（{read} / {of}）：總數仍會增加。", "История переносится ({read} из {of}): итоги ещё растут."],
  takeoverWaits: ["Taking over history waits: {why}", "历史迁入已暂停：{why}", "歷史移轉已暫停：{why}", "Перенос истории ждёт: {why}"],
});

const fresh = area("fresh", {
  live: ["Live", "实时", "即時", "Вживую"],
  polling: ["Polling", "轮询", "輪詢", "Опрос"],
  paused: ["Paused", "已暂停", "已暫停", "Пауза"],
  lost: ["Lost", "已断开", "已中斷", "Потеряна связь"],
  liveWhy: ["The server tells of every change; while it is silent, nothing has changed.", "服务器会通知每次变化；没有通知即无变化。", "伺服器會通知每次變化；沒有通知即無變化。", "Сервер сообщает о каждом изменении; пока он молчит, ничего не изменилось."],
  pollingWhy: ["Data are read again from time to time.", "数据会定时重新读取。", "資料會定時重新讀取。", "Данные перечитываются время от времени."],
  neverWhy: ["This page is read again only when you ask for it.", "此页仅在手动刷新时更新。", "此頁僅在手動重新整理時更新。", "Эта страница обновляется только по вашей команде."],
  pausedWhy: ["Request monitoring is off.", "请求监控已关闭。", "請求監控已關閉。", "Мониторинг запросов выключен."],
  lostWhy: ["The server can't be reached.", "无法连接服务器。", "無法連線至伺服器。", "Сервер недоступен."],
});

export const recovery = { ...keepsFrom, ...fresh };
