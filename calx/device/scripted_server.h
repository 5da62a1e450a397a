// A TCP server on loopback that answers each connection by a function of what it was sent.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "calx/device/lan_address.h"

namespace calx::device {

class ScriptedServer {
 public:
  /// `answer` gets one whole request; an empty answer leaves the connection half open.
  using Answer = std::function<std::string(const std::string& request)>;

  explicit ScriptedServer(Answer answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&self), sizeof self);
    ::listen(listener_, 8);
    socklen_t size = sizeof self;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&self), &size);
    address_ = {"127.0.0.1", ntohs(self.sin_port)};
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~ScriptedServer() {
    thread_.request_stop();
    thread_.join();
    for (const int peer : half_open_) ::close(peer);
    ::close(listener_);
  }

  [[nodiscard]] const LanAddress& address() const { return address_; }
  [[nodiscard]] std::vector<std::string> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  // An HTTP head with its body, or one JSON object.
  static bool whole(const std::string& text) {
    if (text.starts_with('{')) return text.ends_with('}');
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t at = text.find("Content-Length: ");
    const std::size_t body = at < head ? std::stoul(text.substr(at + 16)) : 0;
    return text.size() >= head + 4 + body;
  }

  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd entry{.fd = listener_, .events = POLLIN, .revents = 0};
      if (::poll(&entry, 1, 5) <= 0) continue;
      const int peer = ::accept(listener_, nullptr, nullptr);
      std::string request;
      char buffer[4096];
      while (!whole(request)) {
        const ssize_t count = ::read(peer, buffer, sizeof buffer);
        if (count <= 0) break;
        request.append(buffer, static_cast<std::size_t>(count));
      }
      {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(request);
      }
      const std::string reply = answer_(request);
      if (reply.empty()) {
        half_open_.push_back(peer);
        continue;
      }
      ::send(peer, reply.data(), reply.size(), MSG_NOSIGNAL);
      ::close(peer);
    }
  }

  Answer answer_;
  int listener_;
  LanAddress address_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::vector<int> half_open_;
  std::jthread thread_;
};

}  // namespace calx::device
