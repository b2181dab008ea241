import { area } from "../area";

export const oauth = area("oauth", {
  title: ["OAuth logins", "OAuth 登录", "OAuth 登入", "Входы OAuth"],
  start: ["Log in", "登录", "登入", "Войти"],
  starting: ["starting", "启动中", "啟動中", "начинается"],
  waiting: ["waiting for you", "等待授权", "等待授權", "ожидает вас"],
  done: ["The credential is there.", "凭证已添加。", "憑證已新增。", "Данные получены."],
  failed: ["failed", "失败", "失敗", "сбой"],
  open: ["Open the login page", "打开登录页面", "開啟登入頁面", "Открыть страницу входа"],
  copy: ["Copy the link", "复制链接", "複製連結", "Копировать ссылку"],
  userCode: ["Code to enter there:", "在页面中输入代码：", "在頁面中輸入代碼：", "Введите там код:"],
  paste: ["Is your browser on another machine than CPA? Paste the address that it ends at", "若浏览器与 CPA 不在同一台机器，请粘贴最终跳转的地址", "若瀏覽器與 CPA 不在同一台機器，請貼上最終跳轉的位址", "Браузер не на машине с CPA? Вставьте адрес, на котором он остановился"],
  pasteCode: ["Paste the address that it ends at, or the code", "粘贴最终跳转的地址或代码", "貼上最終跳轉的位址或代碼", "Вставьте конечный адрес или код"],
  send: ["Send", "提交", "送出", "Отправить"],
  noState: ["CPA gave no link that could be followed.", "CPA 未返回可用的链接。", "CPA 未回傳可用的連結。", "CPA не дал пригодной ссылки."],
  tooOld: ["This CPA is too old for logins at this provider.", "当前 CPA 版本过旧，不支持此提供商登录。", "目前 CPA 版本過舊，不支援此提供商登入。", "Этот CPA слишком стар для входа у этого провайдера."],
  vertex: ["Service account", "服务账号", "服務帳號", "Сервисный аккаунт"],
  serviceAccount: ["Its JSON file", "JSON 文件", "JSON 檔案", "Его файл JSON"],
  location: ["Location", "区域", "區域", "Регион"],
  import: ["Import", "导入", "匯入", "Импорт"],
});
