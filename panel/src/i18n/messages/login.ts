import { area } from "../area";

export const login = area("login", {
  title: ["Log in", "登录", "登入", "Вход"],
  base: ["Server", "服务器", "伺服器", "Сервер"],
  customBase: ["Custom connection URL", "自定义连接地址", "自訂連線位址", "Другой адрес подключения"],
  adminKey: ["Admin key", "管理员密钥", "管理員金鑰", "Ключ администратора"],
  adminHint: [
    "The Manager's own key (cmp_admin_…), not CPA's management key. It was shown once, at the first start of the Manager.",
    "Manager 自己的密钥（cmp_admin_…），不是 CPA 管理密钥。仅在 Manager 首次启动时显示一次。",
    "Manager 自己的金鑰（cmp_admin_…），不是 CPA 管理金鑰。僅在 Manager 首次啟動時顯示一次。",
    "Собственный ключ менеджера (cmp_admin_…), не ключ управления CPA. Показан один раз, при первом запуске менеджера.",
  ],
  managementKey: ["CPA management key", "CPA 管理密钥", "CPA 管理金鑰", "Ключ управления CPA"],
  managementHint: [
    "The secret-key below remote-management in CPA's config.yaml.",
    "CPA 的 config.yaml 中 remote-management 下的 secret-key。",
    "CPA 的 config.yaml 中 remote-management 下的 secret-key。",
    "Значение secret-key в разделе remote-management файла config.yaml.",
  ],
  remember: ["Remember the key in this browser", "在此浏览器中记住密钥", "在此瀏覽器記住金鑰", "Запомнить ключ в этом браузере"],
  rememberHint: ["It is stored in plain text.", "以明文存储。", "以明文儲存。", "Хранится открытым текстом."],
  submit: ["Log in", "登录", "登入", "Войти"],
  showKey: ["Show the key", "显示密钥", "顯示金鑰", "Показать ключ"],
  hideKey: ["Hide the key", "隐藏密钥", "隱藏金鑰", "Скрыть ключ"],
});
